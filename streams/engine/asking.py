"""What a hop must know of the world before it can work, asked aside: its lane waits, all other lanes go on.

So far that is the schema of a value whose id was never met, which a registry knows. A registry that is slow, or away
for a moment, costs one partition that moment; one that stays away stops the worker, for what it does not tell makes no
dead letter: the record is as good as any, and its turn comes when the registry is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from streams.errors import MustAsk, WorldFailed

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long nobody may answer before the worker stops; a registry's own restart takes less."""
AGAIN_S = 1.0


async def ask_aside(unknown: MustAsk, values: Sequence[bytes | None]) -> None:
    """Ask what must be asked before *values* can be read, in a thread, and once more a second while nobody answers.

    Raises:
        WorldFailed: nobody answers for long.

    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await asyncio.to_thread(unknown.ask, values)
        except WorldFailed as failure:
            if time.monotonic() >= until:
                raise WorldFailed(f"{failure}; start the worker again once it answers, nothing is lost") from failure
            log.warning("%s: %s; asked again for up to %d s", unknown, failure, PATIENCE_S)
            await asyncio.sleep(AGAIN_S)

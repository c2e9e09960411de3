"""A broken intake, for the checker to see: it answers, and deletes, before Kafka has acknowledged."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.emit.landing import Landing, Record
from tests.inlets.launch import main

_land = Landing.land
_on_their_way: set[asyncio.Task[None]] = set()


async def _at_once(self: Landing, records: Sequence[Record]) -> None:
    task = asyncio.create_task(_land(self, records))
    _on_their_way.add(task)
    task.add_done_callback(_never_mind)


def _never_mind(task: asyncio.Task[None]) -> None:
    _on_their_way.discard(task)
    if not task.cancelled():
        task.exception()


if __name__ == "__main__":
    Landing.land = _at_once  # type: ignore[method-assign]  # the promise that it breaks
    sys.exit(main(Path(sys.argv[1])))

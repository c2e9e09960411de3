"""Writes an operator's word on `ses.instructions`, as the commands do, and waits until the brokers have it.

Hop 2 carries it out wherever the recipient's state is, so any worker can take it down. What was taken down twice is
done once: a suppression that is there already stays, and so does a release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streams.decide.instruction import Action
from streams.emit.instruct import Word, instruction
from streams.emit.landing import Full, Landing, NotLanded, Record
from streams.errors import WorldFailed
from streams.mail.address import Who
from streams.schemas.codec import Codec
from streams.settings import Settings
from streams.web.problems import later

ROLE = "instructions"
PATIENCE_S = 10.0
"""How long the brokers may take: whoever asks waits for it."""
_MOST_BYTES = 1024 * 1024


class Instructing:
    """A pen: `start`, then `write`, then `stop`."""

    def __init__(
        self, settings: Settings, codec: Codec, topics: Mapping[str, str], on_failure: Callable[[WorldFailed], None]
    ) -> None:
        """Connect to nothing yet; *on_failure* is told where the producer cannot go on."""
        self._settings, self._codec, self._topic, self._on_failure = settings, codec, topics[ROLE], on_failure
        self._landing: Landing | None = None

    async def start(self) -> None:
        """Connect in the background."""
        self._landing = Landing(
            self._settings.brokers,
            self._settings.security,
            {ROLE: self._topic},
            settings=self._settings.producer,
            patience_s=PATIENCE_S,
            most_bytes=_MOST_BYTES,
            on_failure=self._on_failure,
        )
        await self._landing.start()

    async def stop(self) -> None:
        """Wait for what waits, and write no more."""
        if self._landing is not None:
            await self._landing.stop()

    async def write(self, who: Who, action: Action, word: Word, **more: Any) -> dict[str, Any]:
        """Write an instruction, and return it.

        Raises:
            Refused: the brokers have not acknowledged it; it may come to be there all the same.
        """
        if self._landing is None:
            raise later("this worker is starting")
        record = instruction(who.recipient, action, word, written=who.written, **more)
        value = self._codec.encode("mail.Instruction", record)
        try:
            await self._landing.land([Record(ROLE, who.recipient.encode(), value)])
        except (Full, NotLanded) as error:
            raise later("the brokers have not taken it; ask again, twice is once") from error
        return record

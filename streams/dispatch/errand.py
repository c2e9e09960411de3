"""One call to SES as an errand of the engine: run once its intent is durable, heard of afterwards, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from streams.dispatch.pace import Pace
from streams.dispatch.road import Road
from streams.mail.letter import Answer, Letter


class Heard(NamedTuple):
    """What came of a call: which try it was, when its intent was noted (ms), and what SES answered."""

    name: tuple[int, str]
    called_at: int
    answer: Answer


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """Hands one letter to SES; a `streams.pipeline.Errand`. Its place in the pace is given back in any case."""

    key: bytes
    name: tuple[int, str]
    called_at: int
    letter: Letter
    road: Road
    pace: Pace
    clock: Callable[[], int] | None = None

    async def run(self) -> Heard:
        """Hand the letter over, at its time to the millisecond where there is a *clock* (ms since the epoch)."""
        if self.clock is not None:
            now = self.clock()
            await asyncio.sleep((self.pace.departure(len(self.letter.recipients), now) - now) / 1000)
        return Heard(self.name, self.called_at, await self.road.carry(self.letter))

    def over(self) -> None:
        """Give the place in flight back."""
        self.pace.release()

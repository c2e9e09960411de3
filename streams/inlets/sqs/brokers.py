"""Where messages land, as this road sees it: full at times, and silent at others.

Receiving goes on one message at a time then: each time that a message is handed out counts towards its queue's
maxReceiveCount, and brokers that are away for an hour must not drive a queue into its dead-letter queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from streams.emit.landing import Full, NotLanded, Record
from streams.inlets.sqs.calls import MOST
from streams.inlets.sqs.pause import Pause, Seldom, now

log = logging.getLogger(__name__)

_FULL_S = 0.1  # room for little is room, and yet too little for a large message
_SILENT_S = 2.0
_LONGEST_SILENCE_S = 300.0  # then we find out by ourselves
_LOOK_S = 1.0


class Lands(Protocol):
    """What this road needs of a landing (streams.emit.landing)."""

    silent_since: float | None
    """Since when, in the loop's time, nothing lands though something waits."""

    async def land(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged; raises Full, NotLanded."""

    async def room(self) -> None:
        """Return when there is room again."""


class Brokers:
    """The landing, shared by all queues."""

    def __init__(self, landing: Lands, chance: Callable[[], float]) -> None:
        """Land by *landing*; *chance*, a number from 0 to 1, is for the jitter."""
        self._landing = landing
        self._pause = Pause(chance)
        self._landings = 0
        self._seldom = Seldom()

    async def land(self, records: Sequence[Record]) -> bool:
        """Tell whether the brokers have all of *records*."""
        before = self._landings
        while True:
            try:
                await self._landing.land(records)
            except Full:
                await asyncio.sleep(_FULL_S)
                await self._landing.room()
            except NotLanded as error:
                if self._landings == before:  # else others landed meanwhile, and this one has a trouble of its own
                    self._pause.failed()
                self._say(error)
                return False
            else:
                self._landings += 1
                self._pause.well()
                return True

    async def ready(self) -> int:
        """Return when there is room for more, and for how many messages: one, if it is to find out."""
        await self._landing.room()
        await self._pause.over()
        if self._pause.since is None:
            return MOST
        begun = now()
        while self._are_silent() and now() - begun < _LONGEST_SILENCE_S:
            await self._pause.well_within(_LOOK_S)
        return 1

    def _are_silent(self) -> bool:
        """Tell whether the brokers do not answer at all: the landing asks them, and no message need be spent on it."""
        since = self._landing.silent_since
        return self._pause.since is not None and since is not None and now() - since > _SILENT_S

    def _say(self, error: NotLanded) -> None:
        times = self._seldom.due("not landed")
        if times:
            log.warning("%d messages of queues did not land, the last as %s; they come again", times, error)

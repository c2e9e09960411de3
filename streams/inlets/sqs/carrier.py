"""The way of one message: what it becomes lands, then it is deleted; or it is shown again, for a later try.

Never deleted before Kafka has acknowledged. A deletion that fails is tried again and then left: the message comes
again, and whatever it became carries the same ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from streams.inlets.sorting import Sorter, Unsorted
from streams.inlets.sqs.brokers import Brokers
from streams.inlets.sqs.calls import Why
from streams.inlets.sqs.hand import Hand, Held, Lately
from streams.inlets.sqs.heart import Heart
from streams.inlets.sqs.pause import Seldom
from streams.inlets.sqs.tens import Tens
from streams.inlets.sqs.wire import Wire
from streams.inlets.tally import Road, Tally

log = logging.getLogger(__name__)

_TRIES_S = (0.2, 1.0, 4.0)  # a moment, a throttle, a lost connection; what lasts longer, its next coming survives
_LONGEST_S = 900
_DOUBLINGS = 9  # 2 s doubled so often are beyond the longest


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every queue of the road works with.

    clock: says the time, ms since the epoch; chance: a number from 0 to 1, for jitter.
    """

    sorter: Sorter
    brokers: Brokers
    tally: Tally
    clock: Callable[[], int]
    chance: Callable[[], float]


class Carrier:
    """Carries the messages of one queue."""

    def __init__(self, means: Means, wire: Wire, hand: Hand, heart: Heart) -> None:
        """Take messages from *hand*; *heart* keeps them hidden meanwhile."""
        self._means, self._hand, self._heart = means, hand, heart
        self._origin = f"sqs:{wire.name}"
        self._deletions = Tens(wire.delete)
        self._lately = Lately()
        self._seldom = Seldom()

    async def carry(self, held: Held, body: bytes) -> None:
        """Carry one message to its end."""
        try:
            if await self._landed(held, body):
                held.has_landed = True
                self._lately.add(held.id)
                await self._delete(held)
            else:
                await self._give_back(held)
        finally:
            self._hand.drop(held)

    async def stop(self) -> None:
        """Leave deletions that are under way."""
        await self._deletions.stop()

    async def _landed(self, held: Held, body: bytes) -> bool:
        """Tell whether all that *body* becomes has landed, now or before."""
        tally = self._means.tally
        if held.id in self._lately:
            tally.repeated(Road.SQS)
            return True
        try:
            found = await self._means.sorter.read(body, self._origin)
        except Unsorted:
            tally.failed(Road.SQS)
            return False
        if await self._means.brokers.land(found.records):
            tally.landed(Road.SQS, found)
            return True
        tally.failed(Road.SQS)
        return False

    async def _delete(self, held: Held) -> None:
        """Delete, under the newest handle; the last answer is what it is."""
        for pause in (*_TRIES_S, None):
            handle = held.handle
            why = await self._deletions.ask(handle)
            if handle != held.handle:
                continue  # handed out again meanwhile: SQS may keep what was deleted under the older handle
            if why is None:
                return
            if why is Why.GONE or pause is None:
                break
            await asyncio.sleep(pause * (1 + self._means.chance()) / 2)
        times = self._seldom.due("left")
        if times:
            log.warning("%s: %d messages landed and could not be deleted; they come again", self._origin, times)

    async def _give_back(self, held: Held) -> None:
        """Show it again soon, later each time that it was handed out; or once its time hidden is over."""
        longest = min(2 ** min(held.received, _DOUBLINGS + 1), _LONGEST_S)
        await self._heart.end(held, round(longest * (1 + self._means.chance()) / 2))

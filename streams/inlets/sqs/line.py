"""One queue from start to stop: its pollers, and a task for each message in hand."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from streams.errors import WorldFailed
from streams.inlets.sqs.calls import MOST, Amiss, Calls, Message
from streams.inlets.sqs.carrier import Carrier, Means
from streams.inlets.sqs.hand import Hand, Held
from streams.inlets.sqs.heart import Heart
from streams.inlets.sqs.pause import now
from streams.inlets.sqs.trouble import FATAL
from streams.inlets.sqs.wire import Wire
from streams.settings.intake import Sqs

_SOONEST_S = 1.0
"""Between two requests that find nothing: for an SQS that does not hold them."""
_LAST_S = 1.0
"""How long requests that are under way may still bring messages when we stop."""
_FAREWELL_S = 2.0
"""How long giving back may take when we stop; what is not given back comes again later."""
_MS = 1000


class Line:
    """Reads one queue."""

    def __init__(self, calls: Calls, settings: Sqs, means: Means, on_failure: Callable[[WorldFailed], None]) -> None:
        """Nothing is asked yet; *on_failure* is told of a fault of ours, after which nothing goes on."""
        self._settings, self._means, self._on_failure = settings, means, on_failure
        self.wire = Wire(calls, means.chance)
        self.hand = Hand(settings.visibility_seconds, 2 * MOST * settings.pollers)
        self.heart = Heart(self.wire, self.hand, settings.visibility_seconds)
        self._carrier = Carrier(means, self.wire, self.hand, self.heart)
        self._pollers: set[asyncio.Task[None]] = set()
        self._receiving: set[asyncio.Task[None]] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        self._is_stopping = False
        self.waited_s = 0.0
        """How long the oldest message received last had been in the queue; 0 if there was none."""

    async def start(self) -> None:
        """Ask once, so that what nobody mends by waiting is known at once; then poll.

        Raises:
            WorldFailed: there is no such queue, or it is not for us.

        """
        try:
            await self.wire.check()
            first = await self.wire.receive(MOST, 0, self._settings.visibility_seconds)
        except Amiss as amiss:
            if amiss.why in FATAL:
                raise WorldFailed(str(amiss)) from amiss
            first = []
        self._beating = self._spawn(self.heart.beat(), set())
        self._take(first)
        for _ in range(self._settings.pollers):
            self._spawn(self._poll(), self._pollers)

    async def stop(self, within_s: float) -> None:
        """Receive no more; what is in hand lands and is deleted within *within_s*, or is given back."""
        self._is_stopping = True
        _cancel(self._pollers - self._receiving)
        await _wait_for(self._pollers, _LAST_S)
        _cancel(self._pollers)
        await _wait_for(self._pollers | self._carrying, within_s)
        left = [held for held in self.hand if not held.has_landed]
        _cancel(self._carrying)
        await _wait_for(self._carrying, _FAREWELL_S)
        await self._give_back(left)
        _cancel({self._beating} if self._beating is not None else ())
        await self._carrier.stop()
        await self.heart.stop()

    async def _give_back(self, left: Iterable[Held]) -> None:
        """Show to others at once what they can have."""
        await _wait_for({asyncio.create_task(self.heart.end(held, 0)) for held in left}, _FAREWELL_S)

    async def _poll(self) -> None:
        """Receive, again and again; not before there is room for it."""
        while not self._is_stopping:
            await self.hand.room()
            await self.wire.ready()
            most = await self._means.brokers.ready()
            asked = now()
            if not await self._receive(most) and now() - asked < _SOONEST_S and not self._is_stopping:
                await asyncio.sleep(_SOONEST_S)

    async def _receive(self, most: int) -> bool:
        """Receive once; tell whether that makes it worth asking again at once."""
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - whoever awaits is in a task
        self._receiving.add(me)
        try:
            found = await self.wire.receive(most, self._settings.wait_seconds, self._settings.visibility_seconds)
        except Amiss:
            return True  # the pause comes first
        finally:
            self._receiving.discard(me)
        self._take(found)
        return bool(found)

    def _take(self, messages: Sequence[Message]) -> None:
        """Begin to carry what is not in hand yet."""
        at, sent = now(), [message.sent_at for message in messages if message.sent_at is not None]
        self.waited_s = max((self._means.clock() - min(sent)) / _MS, 0.0) if sent else 0.0
        for message in messages:
            held = self.hand.take(message, at)
            if held is not None:
                self._spawn(self._carrier.carry(held, message.body), self._carrying)

    def _spawn(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        """Start a task; one that ends by an error that nobody foresaw ends the whole."""
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:  # where, never what: its words may hold a mail address
            where = traceback.extract_tb(error.__traceback__)[-1]
            words = f"{type(error).__name__} at {where.filename}:{where.lineno}"
            self._on_failure(WorldFailed(f"queue {self.wire.name}: {words}. Nothing is lost: start again"))


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in list(tasks):
        task.cancel()


async def _wait_for(tasks: Iterable[asyncio.Task[None]], within_s: float) -> None:
    """Wait for *tasks*, so long at most."""
    waited = list(tasks)
    if waited:
        await asyncio.wait(waited, timeout=within_s)

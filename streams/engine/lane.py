"""A lane: one partition of one hop, one writer, one thing at a time.

Its turns: what errands came to, then a chunk, then keys whose time has come; each at most once a turn, so that none
starves the others. For each: the hop's answer, `notary` makes it durable, its errands begin, and a chunk is
acknowledged last. Whatever goes wrong stops the worker with nothing acknowledged past it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

from faust.types import TP

from streams.engine.asking import ask_aside
from streams.engine.delivery import Delivery
from streams.engine.errands import Errands, give_up
from streams.engine.inbox import Inbox, joined
from streams.engine.limit import Limit
from streams.engine.notary import Notary
from streams.engine.producer import ChunkProducer
from streams.engine.route import Route, Timings
from streams.engine.store import Store
from streams.errors import BadSettings, MustAsk
from streams.pipeline import ActingHop, Effects, Recall

COUNTED_AT_ONCE = 5_000
"""Values counted before other lanes have a turn."""
LOOK_S = 0.001
"""An idle lane looks for due keys no sooner than this after its last look, whatever a hop asks for."""


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """Works on the deliveries of one partition, wakes keys whose time has come, and hears what errands came to.

    *held* are inputs of which a full hop takes no more for now; *on_acted* is called after an acting hop did anything,
    for that may have made room.
    """

    route: Route
    partition: int
    store: Store
    producer: ChunkProducer
    wake_keys: int
    wake_interval: float
    on_room: Callable[[], None]
    inbox: Inbox
    on_acted: Callable[[Lane], None]
    limit: Limit
    at: Delivery | None = None
    looked_at: float = 0.0
    is_idle: bool = False
    held: dict[TP, str] = field(default_factory=dict)
    acting: ActingHop | None = field(init=False)
    errands: Errands = field(init=False)
    _notary: Notary = field(init=False)
    _closing: bool = False
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Find out once whether the hop acts, and make what the lane works with."""
        route = self.route
        self.acting = route.hop if isinstance(route.hop, ActingHop) else None
        self.errands = Errands(self._stirred.set)
        self._notary = Notary(
            hop=route.hop.name,
            outputs=route.outputs,
            first=route.first,
            changelog=route.changelog,
            partition=self.partition,
            store=self.store,
            producer=self.producer,
        )

    def put(self, delivery: Delivery) -> None:
        """Queue a delivery; the fetch loop asks for no more than there is room for."""
        self.inbox.put(delivery)
        self._stirred.set()

    def close(self) -> None:
        """Let the lane end after the chunk it is at and the errands under way; what waits stays unacknowledged."""
        self._closing = True
        self._stirred.set()

    def is_closing(self) -> bool:
        """Return whether the lane takes no more."""
        return self._closing

    def look_again(self) -> None:
        """Ask the hop again whether it is full: another lane of its may have made room."""
        if self.acting is not None and self.held:
            now = _now()
            if not all(self.acting.is_full(role, now) for role in set(self.held.values())):
                self._stirred.set()

    async def run(self) -> None:
        """Work until closed and all errands are heard; raise what stops the worker."""
        try:
            await self._count()
            while not self.is_closing():
                self._stirred.clear()
                if not await self._turn():
                    await self._idle()
                await asyncio.sleep(0)  # other lanes, heartbeats of services, the web
            while self.errands:
                self._stirred.clear()
                if not await self._hear():
                    await self._stirred.wait()  # until `Lanes` loses patience
        finally:
            self.errands.cancel()

    async def _count(self) -> None:
        """Count what stands in the table, before anything changes it: gauges outlive no process."""
        witness, census = self.route.witness, self.route.hop.census
        if witness is None or census([]) is None:
            return
        counted: Counter[tuple[str, ...]] = Counter()
        for values in self.store.values(COUNTED_AT_ONCE):
            counted.update(census(values) or {})
            await asyncio.sleep(0)
            if self.is_closing():
                return
        witness.counted(self.route.hop.name, self.partition, counted)

    async def _turn(self) -> bool:
        """Do what there is to do, each kind once; return whether there was anything."""
        heard = await self._hear()
        deliveries = [] if self.is_closing() else self.inbox.next(self._holding())
        if deliveries:
            await self._work(deliveries)
        else:
            self.store.write_out(_now())
        look = not self.is_closing() and self._time_to_look(idle=not deliveries)
        woken = look and await self._wake()
        return heard or bool(deliveries) or woken

    async def _idle(self) -> None:
        """Sleep until something comes, or the next key is due; a clock that was set back costs one interval."""
        due = (self.store.next_due - _now()) / 1000
        seconds = max(due, LOOK_S - (perf_counter() - self.looked_at))
        self.is_idle = True
        with suppress(TimeoutError):  # not wait_for: before Python 3.12 it can swallow a cancellation
            async with asyncio.timeout(min(seconds, self.wake_interval)):
                await self._stirred.wait()
        self.is_idle = False

    def _holding(self) -> Iterable[TP]:
        """Return the inputs of which nothing is taken now: those of which a full hop wants no more."""
        if self.acting is not None and (heads := self.inbox.heads()):
            now = _now()
            roles = [(head.tp, head.chunk.topic) for head in heads]
            self.held = {tp: role for tp, role in roles if self.acting.is_full(role, now)}
        return self.held

    async def _hear(self) -> bool:
        results = self.errands.take()
        if self.acting is None or not results:
            return False
        acting, timings = self.acting, Timings(records=len(results))
        effects = await self._carry_out(lambda recall, now: acting.heard(results, recall, now), timings)
        self._report(effects, timings)
        return True

    async def _work(self, deliveries: Sequence[Delivery]) -> None:
        self.at = delivery = joined(deliveries)
        timings = Timings(records=len(delivery.chunk), appended_at=delivery.timestamp, fetch=delivery.seconds)
        hop, chunk = self.route.hop, delivery.chunk
        effects = await self._carry_out(lambda recall, now: hop.work(chunk, recall, now), timings)
        self.inbox.done(deliveries)
        self.at = None
        self.on_room()
        self._report(effects, timings)

    async def _wake(self) -> bool:
        self.looked_at = perf_counter()
        due = self.store.due(_now(), self.wake_keys)
        if not due.entries:
            return False
        hop, timings = self.route.hop, Timings(records=len(due.keys))
        effects = await self._carry_out(lambda recall, now: hop.wake(due.keys, recall, now), timings, due.entries)
        self._report(effects, timings)
        return True

    async def _carry_out(
        self, answer: Callable[[Recall, int], Effects], timings: Timings, fired: Sequence[bytes] = ()
    ) -> Effects:
        """Get the hop's answer, make it durable, and only then begin its errands."""
        effects, now = await self._answer(answer, timings)
        if effects.errands and self.acting is None:
            raise BadSettings(f"hop {self.route.hop.name} has errands, and is not one that acts")
        try:
            if timings.appended_at is not None:  # a chunk
                self.limit.check(timings.records, effects.set_aside)
            took = await self._notary.carry_out(effects, fired, now)
        except BaseException:
            give_up(effects.errands)
            raise
        timings.outputs, timings.changelog, timings.build, timings.state = took
        self.errands.start(effects.errands)
        return effects

    async def _answer(self, answer: Callable[[Recall, int], Effects], timings: Timings) -> tuple[Effects, int]:
        """Get the hop's answer and the time for which it holds; what the hop lacks for it is asked for aside."""
        while True:
            now, started = _now(), perf_counter()
            try:
                effects = answer(self._timed_recall(timings), now)
            except MustAsk as unknown:
                await ask_aside(unknown, () if self.at is None else self.at.chunk.values)
                continue
            timings.work = perf_counter() - started
            return effects, now

    def _timed_recall(self, timings: Timings) -> Recall:
        def recall(keys: Sequence[bytes]) -> list[bytes | None]:
            started = perf_counter()
            found = self.store.recall(keys)
            timings.recall += perf_counter() - started
            return found

        return recall

    def _time_to_look(self, *, idle: bool) -> bool:
        """Return whether to wake now: a busy lane looks once an interval, and after every chunk when it is late."""
        late, since = _now() - self.store.next_due, perf_counter() - self.looked_at
        if late < 0:
            return False
        return since >= LOOK_S if idle else max(late / 1000, since) >= self.wake_interval

    def _report(self, effects: Effects, timings: Timings) -> None:
        if self.route.witness is not None:
            self.route.witness.done(self.route.hop.name, self.partition, effects, timings)
        if self.acting is not None:
            self.on_acted(self)


def _now() -> int:
    return int(time.time() * 1000)

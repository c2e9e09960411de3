"""A lane: one partition of one hop, one writer, and the one order in which things become durable.

For each chunk: the hop's answer, then its outputs, then the changelog, then the local store in one write, then the
acknowledgement. State holds the marks by which repeats are known; were it durable before the outputs, a crash in
between would lose them for ever. Whatever goes wrong stops the worker with nothing acknowledged past it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from faust.types import TP

from streams.engine.delivery import Delivery, next_of
from streams.engine.producer import ChunkProducer, Written
from streams.engine.store import Due, Store
from streams.errors import BadSettings, WorldFailed
from streams.pipeline import Effects, Hop


@dataclass(slots=True)
class Timings:
    """What one chunk (or one wake) took, in seconds of wall clock; *recall* lies within *work*.

    *fetch* is the taking apart of fetched batches, in the consumer's thread; *outputs* and *changelog* include the
    wait for the broker's word, and *build*, which is the making of batches for both, lies within them.

    *appended_at* is the time of the chunk's last record, ms since the epoch; None for a wake.
    """

    records: int = 0
    appended_at: int | None = None
    fetch: float = 0.0
    work: float = 0.0
    recall: float = 0.0
    outputs: float = 0.0
    changelog: float = 0.0
    build: float = 0.0
    state: float = 0.0


class Witness(Protocol):
    """Who is told what a hop's lanes do; *hop* is the hop's name."""

    def counted(self, hop: str, partition: int, counts: Counter[tuple[str, ...]] | None) -> None:
        """Hear what a partition's state adds to gauges when work on it begins; None when it has gone."""

    def done(self, hop: str, partition: int, effects: Effects, timings: Timings) -> None:
        """Hear of a chunk, or of woken keys, once all of it is durable."""


COUNTED_AT_ONCE = 5_000
"""Values counted before other lanes have a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a hop's effects go: role to (topic, partition count), and the changelog of its table."""

    hop: Hop
    outputs: dict[str, tuple[str, int]]
    changelog: str
    witness: Witness | None


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """Works on the deliveries of one partition, and wakes keys whose time has come.

    *waiting* has a queue for each input, in the order of the hop's inputs.
    """

    route: Route
    partition: int
    store: Store
    producer: ChunkProducer
    wake_keys: int
    wake_interval: float
    on_room: Callable[[], None]
    waiting: dict[TP, deque[Delivery]]
    at: Delivery | None = None
    _closing: bool = False
    looked_at: float = 0.0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, delivery: Delivery) -> None:
        """Queue a delivery; the fetch loop asks for no more than there is room for."""
        self.waiting[delivery.tp].append(delivery)
        self._arrived.set()

    def close(self) -> None:
        """Let the lane end after the chunk it is at; what waits stays unacknowledged."""
        self._closing = True
        self._arrived.set()

    def is_closing(self) -> bool:
        """Return whether the lane takes no more."""
        return self._closing

    async def run(self) -> None:
        """Work until closed; raise what stops the worker."""
        await self._count()
        while not self.is_closing():
            delivery = await self._next()
            if delivery is not None:
                await self._work(delivery)
            if not self.is_closing() and self._time_to_look(idle=delivery is None):
                await self._wake()
            await asyncio.sleep(0)  # other lanes, heartbeats of services, the web

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

    async def _next(self) -> Delivery | None:
        if not any(self.waiting.values()) and self.store.next_due > _now():
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), self.wake_interval)
            except TimeoutError:
                return None
        return None if self.is_closing() else next_of(self.waiting.values())

    async def _work(self, delivery: Delivery) -> None:
        self.at = delivery
        timings = Timings(records=len(delivery.chunk), appended_at=delivery.timestamp, fetch=delivery.seconds)
        now = _now()
        recall = self._timed_recall(timings)
        started = perf_counter()
        effects = self.route.hop.work(delivery.chunk, recall, now)
        timings.work = perf_counter() - started
        await self._make_durable(effects, (), now, timings)
        delivery.done = True
        self.at = None
        self.waiting[delivery.tp].popleft()
        self.on_room()
        self._report(effects, timings)

    async def _wake(self) -> None:
        self.looked_at = perf_counter()
        now = _now()
        due: Due = self.store.due(now, self.wake_keys)
        if not due.entries:
            return
        timings = Timings(records=len(due.keys))
        started = perf_counter()
        effects = self.route.hop.wake(due.keys, self._timed_recall(timings), now)
        timings.work = perf_counter() - started
        await self._make_durable(effects, due.entries, now, timings)
        self._report(effects, timings)

    async def _make_durable(self, effects: Effects, fired: Sequence[bytes], now: int, timings: Timings) -> None:
        """Carry out *effects* in the order that loses nothing."""
        started = perf_counter()
        timings.build = await self._publish(effects, now)
        published = perf_counter()
        written = await self._log_changes(effects, now)
        if written is not None:
            timings.build += written.seconds
        logged = perf_counter()
        if effects.writes or effects.wake or fired:
            position = None if written is None else written.last + 1
            self.store.keep(effects.writes, position=position, wake=effects.wake, fired=fired, now=now)
        timings.outputs, timings.changelog = published - started, logged - published
        timings.state = perf_counter() - logged

    async def _publish(self, effects: Effects, now: int) -> float:
        """Send the outputs and wait for them; return the seconds that it took to build their batches."""
        sending = []
        for role, batch in effects.outputs.items():
            if batch.keys:
                topic, count = self._where_to(role)
                sending.append(self.producer.publish(topic, batch, count, now))
        seconds = 0.0
        for result in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            seconds += result
        return seconds

    def _where_to(self, role: str) -> tuple[str, int]:
        known = self.route.outputs.get(role)
        if known is None:
            raise BadSettings(f"hop {self.route.hop.name} emits to {role}, which it was not given")
        return known

    async def _log_changes(self, effects: Effects, now: int) -> Written | None:
        """Write state changes to the changelog; return where they stand, None when there are none."""
        writes = effects.writes
        if not writes:
            return None
        topic = self.route.changelog
        written = await self.producer.append(topic, self.partition, list(writes), list(writes.values()), now)
        if written.first != self.store.position:
            raise WorldFailed(
                f"{topic}/{self.partition}: another writer is there "
                f"(expected offset {self.store.position}, wrote at {written.first})"
            )
        return written

    def _timed_recall(self, timings: Timings) -> Callable[[Sequence[bytes]], list[bytes | None]]:
        def recall(keys: Sequence[bytes]) -> list[bytes | None]:
            started = perf_counter()
            found = self.store.recall(keys)
            timings.recall += perf_counter() - started
            return found

        return recall

    def _time_to_look(self, *, idle: bool) -> bool:
        """Return whether to wake now: a busy lane looks once an interval, and after every chunk when it is late."""
        late = _now() - self.store.next_due
        if late < 0:
            return False
        return idle or late >= self.wake_interval * 1000 or perf_counter() - self.looked_at >= self.wake_interval

    def _report(self, effects: Effects, timings: Timings) -> None:
        if self.route.witness is not None:
            self.route.witness.done(self.route.hop.name, self.partition, effects, timings)


def _now() -> int:
    return int(time.time() * 1000)

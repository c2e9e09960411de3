"""A producer in memory, with what the engine's own promises: its order, its membership check, its flush, its disown.

A write leaves only while the group counts on its process; once it has left it may land although nobody waits for it
any more. What is not modelled is aiokafka beneath: that is the business of the tests on a real broker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from faust.types import TP

from streams.engine.membership import Membership
from streams.engine.producer import HOLD_S, Written, _all
from streams.errors import WorldFailed
from streams.partition import split
from streams.pipeline import Batch
from tests.simulation.broker import Broker, Weather
from tests.simulation.loop import WORLD, Loop, Process

IN_A_MOMENT_S = 1e-6


@dataclass(eq=False, slots=True)
class Write:
    """One batch on its way."""

    tp: TP
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    landed: asyncio.Future[int]
    is_disowned: bool = False


class Producer:
    """Sends columns of records; stands where the engine's `ChunkProducer` does."""

    def __init__(self, process: Process, membership: Membership, broker: Broker, weather: Weather, loop: Loop) -> None:
        """Begin with nothing under way."""
        self._process = process
        self._membership = membership
        self._broker = broker
        self._weather = weather
        self._loop = loop
        self._queued: dict[TP, deque[Write]] = {}
        self._arrivals: dict[TP, float] = {}
        self.on_way: dict[Write, None] = {}
        self._open: dict[asyncio.Future[int], None] = {}

    async def publish(self, topic: str, batch: Batch, count: int, now: int) -> float:
        """Send records to the partitions of their keys, and wait until all are acknowledged."""
        columns = split(batch.keys, batch.values, count)
        await _all(self.append(topic, partition, keys, values, now) for partition, keys, values in columns)
        return 0.0

    async def append(
        self, topic: str, partition: int, keys: Sequence[bytes], values: Sequence[bytes | None], now: int
    ) -> Written:
        """Send records to one partition, in order, and wait until all are acknowledged."""
        tp, most = TP(topic, partition), len(keys)
        cut = most // 2 if most > 1 and self._weather.hits(self._weather.split) else most
        futures = [self._send(tp, keys[a:b], values[a:b]) for a, b in ((0, cut), (cut, most)) if a < b]
        offsets = [await asyncio.shield(future) for future in futures]  # as aiokafka does: it goes out all the same
        return Written(offsets[0], offsets[-1] + (most - cut or most) - 1, 0.0)

    async def flush(self) -> None:
        """Wait for all that is outstanding; raise what failed."""
        await _all(asyncio.shield(future) for future in list(self._open))

    def disown(self) -> None:
        """Throw away what has not left."""
        for queue in self._queued.values():
            for write in queue:
                if not write.landed.done():
                    write.landed.set_exception(WorldFailed("the group has given our partitions away"))
                    write.landed.exception()
        self._queued.clear()

    def die(self) -> None:
        """Leave to chance whether what has left comes anywhere."""
        for write in self.on_way:
            write.is_disowned = self._weather.hits(0.5)

    def _send(self, tp: TP, keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> asyncio.Future[int]:
        landed: asyncio.Future[int] = self._loop.create_future()
        self._open[landed] = None
        landed.add_done_callback(self._close)
        queue = self._queued.setdefault(tp, deque())
        queue.append(Write(tp, keys, values, landed))
        if len(queue) == 1:
            self._loop.call_soon(self._drain, tp)
        return landed

    def _close(self, landed: asyncio.Future[int]) -> None:
        self._open.pop(landed, None)
        if not landed.cancelled():
            landed.exception()  # whoever sent it has it too

    def _drain(self, tp: TP) -> None:
        """Let leave what waits, or look again when the group has been silent for too long."""
        queue = self._queued.get(tp)
        while queue:
            if not self._membership.fresh:
                self._loop.call_later(HOLD_S, self._drain, tp)
                return
            write = queue.popleft()
            soonest = self._arrivals.get(tp, 0.0) + IN_A_MOMENT_S
            at = max(soonest, self._loop.seconds + self._weather.delay() + self._weather.slow())
            self._arrivals[tp] = at
            self.on_way[write] = None
            self._loop.call_at(at, self._arrive, write, context=WORLD)

    def _arrive(self, write: Write) -> None:
        """Be the broker: take a batch, or refuse it."""
        self.on_way.pop(write, None)
        if write.is_disowned:
            return
        tp, weather = write.tp, self._weather
        if tp.partition in weather.refuses:
            self._answer(write, None)
            return
        self._broker.look_at_writer(tp, self._process)
        first = self._broker.append(tp, write.keys, write.values)
        if weather.hits(weather.twice) and not tp.topic.endswith("changelog"):
            self._broker.append(tp, write.keys, write.values)
        self._answer(write, None if tp.partition in weather.deaf else first)

    def _answer(self, write: Write, first: int | None) -> None:
        def answered() -> None:
            if write.landed.done():
                return
            if first is None:
                where = f"{write.tp.topic}/{write.tp.partition}"
                write.landed.set_exception(WorldFailed(f"{where}: {len(write.keys)} records were not taken"))
            else:
                write.landed.set_result(first)

        self._loop.call_later(self._weather.delay(), answered, context=WORLD)

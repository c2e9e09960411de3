"""A consumer in memory: what recovery and the lanes ask of the engine's own, and its fetch loop.

It follows `streams.engine.consumer` step by step, for that one is grown together with Faust and aiokafka: a fetch
counts only for the generation that asked for it, positions are sought before anything flows, nothing is fetched for a
lane that is full. The ledger, the lanes and recovery around it are the engine's own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

from faust.types import TP

from streams.engine.delivery import Delivery
from streams.pipeline import Chunk
from tests.simulation.broker import Broker, Weather

if TYPE_CHECKING:
    from tests.simulation.worker import Worker


class Consumer:
    """Fetches for one worker."""

    def __init__(self, worker: Worker, broker: Broker, weather: Weather, chance: Random) -> None:
        """Begin without partitions."""
        self._worker = worker
        self._broker = broker
        self._weather = weather
        self._chance = chance
        self._stirred = asyncio.Event()
        self._mine: list[TP] = []
        self._flowing: set[TP] = set()
        self._ends: dict[TP, int | None] = {}
        self._queue: deque[Delivery] = deque()
        self.positions: dict[TP, int] = {}
        self.flow_active = False
        broker.watchers.append(self.heard_of)

    def own(self, tps: list[TP]) -> None:
        """Take partitions."""
        self._mine = tps
        self.positions = dict.fromkeys(tps, 0)
        self._ends.clear()

    def stop_flow(self) -> None:
        """Hand nothing on any more, and throw away what was on its way to the lanes."""
        self.flow_active = False
        self._flowing.clear()
        self._queue.clear()

    def heard_of(self, tp: TP) -> None:
        """Hear that a record has come; the world calls it."""
        if tp in self._flowing:
            self._stirred.set()

    def poke(self) -> None:
        """Look again at what is wanted."""
        self._stirred.set()

    def assignment(self) -> set[TP]:
        """Return the partitions that are ours."""
        return set(self._mine)

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int | None]:
        """Return where partitions begin."""
        await asyncio.sleep(self._weather.delay())
        return dict.fromkeys(sorted(tps), 0)

    async def highwaters(self, *tps: TP) -> dict[TP, int | None]:
        """Return where partitions end."""
        await asyncio.sleep(self._weather.delay())
        return {tp: self._broker.end(tp) for tp in sorted(tps)}

    async def seek_wait(self, positions: dict[TP, int]) -> None:
        """Go on from other offsets; what the ends are is to be found out anew."""
        await asyncio.sleep(0)
        for tp, position in positions.items():
            self.positions[tp] = position
            self._ends[tp] = None
        self.poke()

    async def perform_seek(self) -> None:
        """Go to what is committed of the inputs."""
        await asyncio.sleep(self._weather.delay())
        for tp in self._mine:
            if not self._worker.is_changelog(tp):
                self.positions[tp] = self._broker.committed.get(tp, 0)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from partitions."""
        self._flowing |= set(tps)
        self.poke()

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch no more from partitions."""
        self._flowing -= set(tps)

    def resume_flow(self) -> None:
        """Hand on what is fetched."""
        self.flow_active = True
        self.poke()

    def fetch_end(self, tp: TP) -> int | None:
        """Return the end as the last fetch said."""
        return self._ends.get(tp)

    def log_end(self, tp: TP) -> int | None:
        """Return the same: there are no open transactions here."""
        return self._ends.get(tp)

    async def run(self) -> None:
        """Fetch for as long as the worker lives."""
        while True:
            self._stirred.clear()
            wanted = [tp for tp in sorted(self._flowing) if self._is_wanted(tp)] if self.flow_active else []
            if wanted:
                await self._fetch(wanted)
            else:
                await self._stirred.wait()

    def _is_wanted(self, tp: TP) -> bool:
        if self._worker.is_changelog(tp):
            is_new = self._ends.get(tp) is None or self.positions[tp] < self._broker.end(tp)
            return is_new and not self._worker.recovery.standbys.rests(tp)
        return self.positions[tp] < self._broker.end(tp) and not self._worker.lanes.is_full(tp)

    async def _fetch(self, wanted: list[TP]) -> None:
        generation, began_at = self._worker.generation, {tp: self.positions[tp] for tp in wanted}
        await asyncio.sleep(self._weather.delay())
        taken = {tp: self._take(tp, began_at[tp]) for tp in wanted}
        await asyncio.sleep(self._weather.delay())
        self._chance.shuffle(wanted)
        for tp in wanted:
            if self.is_current(generation, tp, began_at[tp]):
                self._ends[tp], chunk = taken[tp]
                self._hand_on(tp, chunk, generation)

    def is_current(self, generation: int, tp: TP, start: int) -> bool:
        """Tell whether what was fetched from *start* still counts: partitions may have gone, or positions changed."""
        same = self.flow_active and generation == self._worker.generation
        return same and tp in self._flowing and self.positions[tp] == start

    def _take(self, tp: TP, start: int) -> tuple[int, Chunk]:
        log = self._broker.logs[tp]
        most = self._chance.choice((1, 2, 5, 100))
        rows = log.rows[start : start + most]
        chunk = Chunk(
            topic=tp.topic,
            partition=tp.partition,
            keys=[key for key, _ in rows],
            values=[value for _, value in rows],
            offsets=range(start, start + len(rows)),
            partitions=self._broker.partitions,
        )
        return len(log.rows), chunk

    def _hand_on(self, tp: TP, chunk: Chunk, generation: int) -> None:
        if not len(chunk):
            return
        start, following = chunk.offsets[0], chunk.offsets[-1] + 1
        times = self._broker.logs[tp].times
        delivery = Delivery(tp, chunk, start, following, generation, times[start], times[following - 1], 0.0)
        self.positions[tp] = following
        if self._worker.is_changelog(tp):
            self._worker.recovery.take(delivery)
            return
        self._worker.ledger.enter(delivery)
        self._worker.taken.append(delivery)
        self._queue.append(delivery)
        idles = 2.0 * self._chance.random() if self._weather.hits(0.1) else 0.0
        asyncio.get_running_loop().call_later(idles, self._sort)

    def _sort(self) -> None:
        """Give the next delivery to its lane, as the agent does, which may have had no turn for a while."""
        if self._queue:
            self._worker.lanes.put(self._queue.popleft())

"""Follows compacted topics into their copies: up to the end as of the start, then for ever.

Doubts about what is on disk are settled as `recovery` settles them: by the last record that was known, and by the
later of the ends that the broker lists and that its fetches say. A copy that its topic cannot bring up to date is read
anew; one that loses its topic while it is followed stops the worker, and the next start reads it anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.config import EngineConfig
from streams.engine.fetch import Drain, Run, fetched_end, fetched_runs
from streams.engine.globalstore import GlobalStore
from streams.errors import WorldFailed

log = logging.getLogger(__name__)

FETCH_S = 1.0
LOOK_S = 0.05
"""How soon to look again at the ends while catching up."""
SAY_S = 5.0
"""How often a long first load says how far it is."""
VOUCH_S = 600.0
"""How often it is noted that nothing is missing: a quiet topic's copy would look too old to be trusted otherwise."""
RECOGNISE_S = 5.0
"""How long to wait for the last record we knew; compaction may have taken it, and then nothing comes."""


@dataclass(slots=True, eq=False)
class Place:
    """Where we are in one partition.

    *reached* is the offset to read next, *begin* the first that there is, *listed* the end as the broker lists it, and
    *end* what to reach before lanes open, None until it is known. *doubted_until* is how long (monotonic seconds) to
    wait for the record that we should know; None once it was seen.
    """

    store: GlobalStore
    reached: int = 0
    begin: int = 0
    listed: int = 0
    end: int | None = None
    doubted_until: float | None = None


class Follower:
    """Reads all partitions of some topics into stores, outside of any group."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        stores: Mapping[TopicPartition, GlobalStore],
        config: EngineConfig,
        on_moved: Callable[[], None],
    ) -> None:
        """Keep what to read with and where to put it; *on_moved* is called after each run."""
        self._consumer = consumer
        self._places = {tp: Place(store) for tp, store in stores.items()}
        self._trusted_for = config.trusted_for
        self._drain = Drain(config.chunk_records)
        self._on_moved = on_moved
        self._following = False
        self.at: TopicPartition | None = None
        """The partition that was last looked at: where it went wrong, when it did."""

    @property
    def remaining(self) -> int:
        """Return how many offsets are still to be read before lanes may open, as far as ends are known."""
        if self._following:
            return 0
        ends = [(place, place.listed if place.end is None else place.end) for place in self._places.values()]
        return sum(max(end - place.reached, 0) for place, end in ends)

    async def catch_up(self) -> None:
        """Read up to the ends that the topics have now."""
        started = said = time.monotonic()
        await self._seek()
        while not all(self._is_there(tp) for tp in self._places):
            await self._read(LOOK_S)
            if time.monotonic() - said >= SAY_S:
                said = time.monotonic()
                log.info("global tables: %d offsets to read", self.remaining)
        self._following = True
        self.vouch()
        log.info("global tables are up to date after %.1f s", time.monotonic() - started)

    async def follow(self) -> None:
        """Read on for ever; raise what stops it."""
        vouched = time.monotonic()
        while True:
            await self._read(FETCH_S)
            if time.monotonic() - vouched >= VOUCH_S:
                vouched = time.monotonic()
                self.vouch()

    def vouch(self) -> None:
        """Note in all copies that nothing is missing, where that is so."""
        if self._following and all(place.reached >= (self._fetched_end(tp) or 0) for tp, place in self._places.items()):
            for store in {id(place.store): place.store for place in self._places.values()}.values():
                store.vouch(_now())

    async def _seek(self) -> None:
        """Go to the last record that each copy knows, or to the beginning where that is gone."""
        self._consumer.assign(list(self._places))
        for tp, place in self._places.items():
            position = place.store.mark(tp.partition).position
            place.reached = max(position - 1, 0)
            place.doubted_until = time.monotonic() + RECOGNISE_S if position else None
            self._consumer.seek(tp, place.reached)  # at once: else aiokafka looks for a position of its own
        ends = await self._consumer.end_offsets(list(self._places))
        begins = await self._consumer.beginning_offsets(list(self._places))
        for tp, place in self._places.items():
            place.listed, place.begin = ends[tp] or 0, begins[tp] or 0
        for tp, place in self._places.items():
            if (why := self._outdated(tp)) is not None:
                self._read_anew(tp, why)
            elif place.reached < place.begin:
                place.reached = place.begin
                self._consumer.seek(tp, place.begin)

    def _outdated(self, tp: TopicPartition) -> str | None:
        """Return why the topic can no longer bring a copy up to date; None where it can."""
        place = self._places[tp]
        position, kept_at, _ = place.store.mark(tp.partition)
        if 0 < position < place.begin:
            return "the topic no longer has what follows the copy"
        if 0 < position < place.listed and _now() - kept_at > self._trusted_for:
            return "the copy is too old to catch up"
        return None

    def _is_there(self, tp: TopicPartition) -> bool:
        """Return whether a partition was read up to its end as of the start."""
        place = self._places[tp]
        position = place.store.mark(tp.partition).position
        if place.end is None:
            fetched = self._fetched_end(tp)
            if fetched is None:
                return False
            place.end = max(place.listed, fetched)
            if position > place.end:
                self._read_anew(tp, "the topic is shorter than the copy")
                return False
        known = place.doubted_until is None or place.doubted_until < time.monotonic()
        return max(position, place.reached) >= place.end and known

    async def _read(self, patience: float) -> None:
        """Apply what was fetched, or wait for it up to *patience* seconds."""
        for tp, run in (await fetched_runs(self._consumer._fetcher, self._drain, self._wanted, patience)).items():
            self.at = tp
            if not self._follows(tp, run):
                self._read_anew(tp, "the topic is not the one that the copy came from")
                return  # all partitions were sent back to where they are: what else was fetched comes again
            place = self._places[tp]
            place.store.apply(tp.partition, run.keys, run.values, run.next_offset, _now())
            place.reached = run.next_offset
            self._on_moved()
            await asyncio.sleep(0)

    def _wanted(self, tp: TopicPartition) -> bool:
        self.at = tp
        return True

    def _follows(self, tp: TopicPartition, run: Run) -> bool:
        """Return whether a run goes on where we are; the first one begins with the last record that we know.

        Raises:
            WorldFailed: it does not, and lanes have seen the copy already.
        """
        place = self._places[tp]
        doubted, place.doubted_until = place.doubted_until is not None, None
        if run.start != place.reached:
            if self._following:
                raise WorldFailed(f"offset {place.reached} is no longer there: the topic was cut short, or made anew")
            return False
        if not doubted or not run.keys or run.offsets[0] != run.start:
            return True
        return place.store.knows(tp.partition, run.keys[0], run.values[0])

    def _read_anew(self, tp: TopicPartition, why: str) -> None:
        """Wipe the copy that a partition goes to, and begin all of its partitions again."""
        log.error("global table: %s/%d: %s: reading it anew", tp.topic, tp.partition, why)
        store = self._places[tp].store
        store.wipe()
        for place in self._places.values():
            if place.store is store:
                place.reached, place.doubted_until = place.begin, None
        for at, place in self._places.items():
            self._consumer.seek(at, place.reached)

    def _fetched_end(self, tp: TopicPartition) -> int | None:
        return fetched_end(self._consumer._fetcher, tp)


def _now() -> int:
    return int(time.time() * 1000)

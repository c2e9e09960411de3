"""Out of aiokafka's fetcher, by the batch: what `Fetcher.fetched_records` does, without an object a record.

Works on private parts of aiokafka 0.14 (see `preflight.PRIVATE`), and keeps what its own iterator keeps: CRC checks,
aborted transactions, control batches, offsets of compacted batches. Runs in the consumer's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic, perf_counter
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition


@dataclass(slots=True, eq=False)
class Run:
    """Consecutive records of one partition as columns, from position *start* on; it goes on at *next_offset*.

    Runs of a partition follow each other: the next one's start is this one's next offset, whatever compaction or
    control records left out between.
    """

    start: int
    next_offset: int
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    began: int = 0
    timestamp: int = 0
    seconds: float = 0.0

    def extend(self, records: list[Any]) -> None:
        """Append records; list comprehensions, for this is the hottest loop there is."""
        self.keys += [record.key for record in records]
        self.values += [record.value for record in records]
        first, last = records[0].offset, records[-1].offset
        whole = last - first + 1 == len(records)  # no gaps: compaction and aborted transactions leave some
        self.offsets += range(first, last + 1) if whole else [record.offset for record in records]
        self.began = self.began or records[0].timestamp
        self.timestamp = records[-1].timestamp


@dataclass(slots=True)
class _Rest:
    """A record batch that was larger than a chunk, and is not through."""

    source: PartitionRecords
    batch: Any
    records: Iterator[Any]


class Drain:
    """Takes runs of at most *limit* records out of fetch results, cutting within a batch where it must."""

    def __init__(self, limit: int) -> None:
        """Keep the limit."""
        self._limit = limit
        self._rests: dict[TopicPartition, _Rest] = {}

    def take(self, result: FetchResult, tp: TopicPartition) -> Run | None:
        """Return the next run of *result*, which may hold no records; None when there is nothing to take.

        Raises:
            CorruptRecordException: a batch fails its checksum.
        """
        if not result.has_more() or not result.check_assignment(tp):
            self._rests.pop(tp, None)
            return None
        began = perf_counter()
        source = result._partition_records
        run = Run(source.next_fetch_offset, source.next_fetch_offset)
        rest = self._rests.pop(tp, None)
        if rest is not None and rest.source is source:
            self._fill(run, rest, tp)
        while len(run.keys) < self._limit and source._records.has_next():
            batch = source._records.next_batch()
            if _unreadable(source, batch, tp):
                run.next_offset = source.next_fetch_offset = batch.next_offset
            else:
                # not iter(batch): a batch is its own iterator, and refuses to be asked for one in its middle
                self._fill(run, _Rest(source, batch, (record for record in batch)), tp)
        result._update_position()
        if tp not in self._rests and not source._records.has_next():
            result._partition_records = None
        run.seconds = perf_counter() - began
        return run

    def _fill(self, run: Run, rest: _Rest, tp: TopicPartition) -> None:
        """Move records of one batch into *run* until it is full, or the batch is through."""
        source = rest.source
        while (room := self._limit - len(run.keys)) > 0:
            records = list(islice(rest.records, room))
            if not records:
                source.next_fetch_offset = run.next_offset = rest.batch.next_offset
                return
            if records[0].offset < source.next_fetch_offset:  # a seek led into the midst of a batch
                records = [record for record in records if record.offset >= source.next_fetch_offset]
            if records:
                run.extend(records)
                source.next_fetch_offset = run.next_offset = records[-1].offset + 1
        self._rests[tp] = rest


def _unreadable(source: PartitionRecords, batch: Any, tp: TopicPartition) -> bool:
    """Return whether to skip a batch: control records, or records of a transaction that was aborted."""
    if source._check_crcs and not batch.validate_crc():
        raise CorruptRecordException(f"{tp.topic}/{tp.partition} offset {source.next_fetch_offset}")
    if source._isolation_level == READ_COMMITTED and batch.producer_id is not None:
        source._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and source._contains_abort_marker(batch):
            source._aborted_producers.discard(batch.producer_id)
        if batch.is_transactional and batch.producer_id in source._aborted_producers:
            return True
    return bool(batch.is_control_batch)


async def fetched_runs(
    fetcher: Fetcher, drain: Drain, wanted: Callable[[TopicPartition], bool], patience: float
) -> dict[TopicPartition, Run]:
    """Return the next run of every partition that is *wanted* and has one; wait up to *patience* seconds for any.

    *wanted* is asked anew after each wait. aiokafka's own filter takes an empty set for "every partition", and Faust
    hands over its live set, which is empty for a while in a rebalance: records were fetched and dropped.
    """
    until = monotonic() + patience
    while True:
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        runs = _ready(fetcher, drain, wanted)
        left = until - monotonic()
        if runs or left <= 0 or fetcher._closed:
            return runs
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=left)
        if waiter.done():
            waiter.result()  # raises what the coordinator found, such as a missing permission
        else:
            waiter.cancel()


def fetched_end(fetcher: Fetcher, tp: TopicPartition) -> int | None:
    """Return the offset after the last readable record, as the last fetch said; None before the first."""
    assignment = fetcher._subscriptions.subscription.assignment
    state = None if assignment is None else assignment.state_value(tp)
    if state is None or state.highwater is None:
        return None
    return int(state.highwater if state.lso is None or state.lso < 0 else state.lso)


def log_end(fetcher: Fetcher, tp: TopicPartition) -> int | None:
    """Return the offset after the last record, readable or not yet: a transaction may be open; None before a fetch."""
    assignment = fetcher._subscriptions.subscription.assignment
    state = None if assignment is None else assignment.state_value(tp)
    return None if state is None else state.highwater


def position(fetcher: Fetcher, tp: TopicPartition) -> int | None:
    """Return the offset that a partition is read at next; None while it is not known."""
    assignment = fetcher._subscriptions.subscription.assignment
    state = None if assignment is None else assignment.state_value(tp)
    return None if state is None else state._position  # in one look: the other thread may move it meanwhile


def poke(fetcher: Fetcher) -> None:
    """Make a waiting `fetched_runs` ask again what is wanted; call in the fetcher's thread."""
    for waiter in list(fetcher._fetch_waiters):
        fetcher._notify(waiter)


def _ready(fetcher: Fetcher, drain: Drain, wanted: Callable[[TopicPartition], bool]) -> dict[TopicPartition, Run]:
    runs: dict[TopicPartition, Run] = {}
    for tp in list(fetcher._records):
        if not wanted(tp):
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records[tp]
        if type(result) is not FetchResult:
            if runs:
                return runs  # the error is for the next call: these runs have moved their positions
            _drop(fetcher, tp)
            result.check_raise()
            continue
        run = drain.take(result, tp)
        if not result.has_more():
            _drop(fetcher, tp)
        if run is not None:
            runs[tp] = run
    return runs


def _drop(fetcher: Fetcher, tp: TopicPartition) -> None:
    """Forget a result that is used up, so that the partition is fetched again."""
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)

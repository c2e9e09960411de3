"""Out of record batches into columns: nothing that was aborted, nothing damaged, nothing twice, nothing left out."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.engine.fetch import Drain, Run, fetched_runs

TP = TopicPartition("t", 0)
BASE, ATTRIBUTES, CRC = slice(0, 8), slice(21, 23), slice(17, 21)
CONTROL = 0b100000


def batch(
    base: int, values: list[bytes], *, offsets: list[int] | None = None, pid: int = -1, transactional: bool = False
) -> bytearray:
    """Return a record batch whose first offset is *base*; *offsets* are relative, with gaps as of compaction."""
    builder = DefaultRecordBatchBuilder(2, 0, int(transactional), pid, 0, 0, 1 << 20)
    for at, value in zip(offsets or range(len(values)), values, strict=True):
        builder.append(at, 1000 + at, b"k", value, [])
    built: bytearray = builder.build()
    built[BASE] = base.to_bytes(8, "big")
    return built


def abort_marker(base: int, pid: int) -> bytearray:
    """Return the control batch that ends a transaction in nothing: key version 0, type 0."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, pid, 0, 0, 1 << 20)
    builder.append(0, 1000, b"\0\0\0\0", b"\0\0\0\0\0\0", [])
    built: bytearray = builder.build()
    built[BASE] = base.to_bytes(8, "big")
    built[ATTRIBUTES] = (int.from_bytes(built[ATTRIBUTES], "big") | CONTROL).to_bytes(2, "big")
    return built


async def fetched(data: bytes, *, at: int = 0, aborted: list[tuple[int, int]] | None = None, crcs: bool = False) -> Any:
    assignment = Assignment([TP])
    assignment.state_value(TP).reset_to(at)
    records = PartitionRecords(TP, MemoryRecords(data), aborted, at, None, None, crcs, READ_COMMITTED)
    return FetchResult(TP, assignment=assignment, partition_records=records, backoff=0)


def all_runs(result: Any, limit: int) -> list[Run]:
    drain, runs = Drain(limit), []
    while (run := drain.take(result, TP)) is not None:
        runs.append(run)
    return runs


async def test_runs_follow_each_other_and_batches_are_cut_at_the_limit() -> None:
    data = bytes(batch(0, [b"%d" % n for n in range(10)]) + batch(10, [b"%d" % n for n in range(10, 13)]))
    runs = all_runs(await fetched(data), limit=4)
    assert [value for run in runs for value in run.values] == [b"%d" % n for n in range(13)]
    assert [offset for run in runs for offset in run.offsets] == list(range(13))
    assert all(len(run.values) <= 4 for run in runs)
    assert [run.start for run in runs[1:]] == [run.next_offset for run in runs[:-1]]
    assert (runs[0].start, runs[-1].next_offset) == (0, 13)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    limit=st.integers(1, 15),
    at=st.integers(0, 72),
    dropped=st.sets(st.integers(0, 72)),
)
def test_from_wherever_one_begins_every_record_comes_once(
    sizes: list[int], limit: int, at: int, dropped: set[int]
) -> None:
    data, base, there = bytearray(), 0, []
    for size in sizes:  # compaction has dropped some records, and keeps the batches' ends
        kept = [n for n in range(size) if base + n not in dropped or n == size - 1]
        data += batch(base, [b"%d" % (base + n) for n in kept], offsets=kept)
        there += [base + n for n in kept if base + n >= at]
        base += size
    assume(at < base)
    begin = max(start for start in range(at + 1) if start == 0 or start in _bases(sizes))
    runs = asyncio.run(_runs(bytes(data[_byte_of(data, begin) :]), at, limit))
    assert [offset for run in runs for offset in run.offsets] == there
    assert [value for run in runs for value in run.values] == [b"%d" % offset for offset in there]
    assert all(len(run.keys) <= limit for run in runs)
    assert [run.start for run in runs[1:]] == [run.next_offset for run in runs[:-1]]
    assert (runs[0].start, runs[-1].next_offset) == (at, base)


async def _runs(data: bytes, at: int, limit: int) -> list[Run]:
    return all_runs(await fetched(data, at=at), limit)


def _bases(sizes: list[int]) -> set[int]:
    return {sum(sizes[:count]) for count in range(len(sizes))}


def _byte_of(data: bytearray, base: int) -> int:
    """Return where the batch with this base offset begins, as a broker's answer would."""
    at = 0
    while int.from_bytes(data[at : at + 8], "big") != base:
        at += 12 + int.from_bytes(data[at + 8 : at + 12], "big")
    return at


async def test_gaps_that_compaction_left_are_stepped_over() -> None:
    data = bytes(batch(0, [b"a", b"b"], offsets=[1, 5]) + batch(10, [b"c"]))
    (run,) = all_runs(await fetched(data), limit=100)
    assert (run.offsets, run.next_offset) == ([1, 5, 10], 11)


async def test_an_aborted_transaction_is_never_seen() -> None:
    data = bytes(
        batch(0, [b"a"])
        + batch(1, [b"no", b"no"], pid=7, transactional=True)
        + batch(3, [b"b"], pid=8, transactional=True)
        + abort_marker(4, pid=7)
        + batch(5, [b"c"], pid=7, transactional=True)
    )
    (run,) = all_runs(await fetched(data, aborted=[(7, 1)]), limit=100)
    assert run.values == [b"a", b"b", b"c"]
    assert run.next_offset == 6


async def test_a_run_of_control_records_only_moves_the_position() -> None:
    (run,) = all_runs(await fetched(bytes(abort_marker(4, pid=7)), at=4), limit=100)
    assert (run.values, run.start, run.next_offset) == ([], 4, 5)


async def test_a_batch_with_a_wrong_checksum_is_refused() -> None:
    damaged = batch(0, [b"a", b"b"])
    damaged[CRC] = b"\0\0\0\0"
    with pytest.raises(CorruptRecordException, match="t/0"):
        Drain(10).take(await fetched(bytes(damaged), crcs=True), TP)


async def test_what_was_fetched_for_an_assignment_that_has_gone_is_dropped() -> None:
    result = await fetched(bytes(batch(0, [b"a"])))
    result._assignment._unassign()
    assert Drain(10).take(result, TP) is None


async def test_what_is_not_wanted_is_not_taken_even_when_nothing_is_wanted() -> None:
    result = await fetched(bytes(batch(0, [b"a"])))
    subscriptions = SimpleNamespace(reassignment_in_progress=False, is_assigned=lambda _: True)
    fetcher: Any = SimpleNamespace(
        _records={TP: result},
        _subscriptions=subscriptions,
        _closed=False,
        _wait_consume_future=None,
        _notify=lambda _: None,
        _create_fetch_waiter=asyncio.get_running_loop().create_future,
    )
    assert await fetched_runs(fetcher, Drain(10), lambda _: False, 0.01) == {}
    assert result._assignment.state_value(TP).position == 0
    assert list(await fetched_runs(fetcher, Drain(10), lambda _: True, 0.01)) == [TP]

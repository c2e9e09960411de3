"""A worker that stands still while there is work says where, and ends; one that was merely frozen does not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import cast

import pytest

from streams.engine.app import ChunkApp
from streams.engine.membership import Membership
from streams.engine.progress import PartitionProgress, Progress, State
from streams.engine.stacks import stacks
from streams.engine.watchdog import STEP_S, Awake, Watchdog
from tests.engine.conftest import Bench
from tests.engine.test_worker import amounts, places, read_sums, sums

RECORDS = 1_000
STALL_S = 10.0


class Twin:
    """An engine that says what it is told to say, and writes down why it was stopped."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str]] = []
        self.state, self.at, self.end, self.held = State.RUNNING, 5, 10, False
        self.remaining, self.moved_at = 0, 0
        self.uncommitted: int | None = None
        self.dog = Watchdog(cast("ChunkApp", self), STALL_S)

    def progress(self) -> Progress:
        partition = PartitionProgress(
            role="a",
            topic="ses.a",
            partition=1,
            next_offset=self.at,
            end=self.end,
            held=self.held,
            uncommitted=self.uncommitted,
        )
        return Progress(
            state=self.state,
            partitions=(partition,),
            recovery_remaining=self.remaining,
            moved_at=self.moved_at,
            committed_at=None,
            failure=None,
        )

    def fail(self, error: BaseException, where: str) -> None:
        self.failures.append((str(error), where))

    def watch(self, seconds: float, start: float = 0.0) -> float:
        """Let the dog look every half a second."""
        for step in range(1, int(2 * seconds) + 1):
            self.dog.look(start + step / 2)
        return start + seconds


async def test_a_partition_with_lag_that_never_moves_ends_the_worker_after_twice_the_time() -> None:
    twin = Twin()
    twin.watch(2 * STALL_S)
    assert twin.failures == []
    twin.watch(3, start=2 * STALL_S)
    said, where = twin.failures[0]
    assert where == "watchdog"
    assert said.startswith("ses.a/1 offset 5: work waits, and nothing has moved for ")


async def test_what_moves_is_held_or_has_no_lag_is_left_alone() -> None:
    twin = Twin()
    for at in range(5, 9):  # slow, but it moves
        twin.at = at
        twin.watch(1.9 * STALL_S, start=at * 1.9 * STALL_S)
    twin.held = True
    now = twin.watch(5 * STALL_S, start=1_000.0)
    twin.held, twin.at = False, twin.end
    twin.watch(5 * STALL_S, start=now)
    assert twin.failures == []


async def test_work_that_goes_on_while_its_commits_stand_still_ends_the_worker() -> None:
    twin = Twin()
    for at in range(5, 30):
        twin.at, twin.uncommitted = at, at - 1  # commits follow
        twin.watch(2, start=2.0 * at)
    assert twin.failures == []
    twin.uncommitted = -1
    for at in range(30, 50):
        twin.at = twin.end = at
        twin.watch(2, start=2.0 * at)
    assert twin.failures[0][0].startswith("commits of ses.a/1, -1: work waits, and nothing has moved for ")


async def test_a_recovery_is_left_alone_while_it_gets_on_and_ended_when_it_does_not() -> None:
    twin = Twin()
    twin.state = State.RECOVERING
    now = 0.0
    for remaining in (30, 20, 10):
        twin.remaining = remaining
        now = twin.watch(1.9 * STALL_S, start=now)
    assert twin.failures == []
    twin.watch(3 * STALL_S, start=now)
    assert twin.failures[0][0].startswith("recovering: work waits")


def test_the_clock_stands_while_the_process_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    awake = Awake()
    for pause in (0.5, 3_600.0, 0.25):
        now[0] += pause
        awake.tick()
    assert awake.seconds == 0.5 + STEP_S + 0.25


def test_the_silence_of_a_group_is_counted_while_awake_only() -> None:
    membership = Membership(session_timeout_ms=300)
    membership.silent_for(7.0)
    membership.renew()
    assert membership.silent_for(8.0) == 0.0
    assert membership.silent_for(20.0) == 12.0
    membership.renew()
    assert membership.silent_for(21.0) == 0.0


async def test_stacks_show_where_each_task_waits_and_nothing_that_it_holds() -> None:
    secret = "ann@example.com"  # noqa: S105 # an address, and what must not be shown

    async def deep(address: str) -> str:
        await asyncio.sleep(60)
        return address

    async def outer(address: str) -> str:
        return await deep(address)

    task = asyncio.create_task(outer(secret), name="the one")
    await asyncio.sleep(0)
    shown = stacks([task])
    task.cancel()
    assert "task the one" in shown
    assert ".deep" in shown
    assert "thread MainThread" in shown
    assert secret not in shown


def test_a_fetcher_that_hangs_ends_the_worker_and_a_successor_goes_on(bench: Bench, tmp_path: Path) -> None:
    fed, hangs = (amounts(RECORDS), amounts(RECORDS, seed=2)), tmp_path / "hangs"
    bench.feed("a", fed[0])
    worker = bench.start(stall=2_000, fetch_until=str(hangs), stop_timeout=2_000)
    bench.wait_until_committed(RECORDS, worker)
    hangs.touch()
    time.sleep(0.5)  # a fetch may be under way that brings what is fed now
    bench.feed("a", fed[1])
    assert worker.wait(60) == 1
    said = bench.log(worker)
    assert "work waits, and nothing has moved for" in said
    assert "where everything stands" in said
    assert "lane ledgerer/0" in said
    assert "key-" not in said
    successor = bench.start()
    bench.wait_until_committed(2 * RECORDS, successor)
    assert bench.stop(successor) == 0
    assert bench.outputs() == places(bench)
    assert read_sums(bench.stored()) == sums(*fed)


def test_a_loop_that_does_not_go_round_ends_the_process(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(hop="sleeper", stall=2_000)
    assert worker.wait(60) == 1
    assert "the event loop has not gone round" in bench.log(worker)
    assert "toy.py" in bench.log(worker)
    assert sum(bench.committed().values()) == 0


def test_a_batch_that_nobody_acknowledges_is_not_waited_for_for_ever(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(hang=1, stall=2_000, stop_timeout=2_000)
    assert worker.wait(60) == 1
    assert "offset 0: work waits, and nothing has moved for" in bench.log(worker)
    assert sum(bench.committed().values()) == 0

"""A lane's turns: woken at the time itself, never for nothing, and nothing taken in that a full hop has no room for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from faust.types import TP

from streams.engine.lane import LOOK_S, Lane
from streams.pipeline import Effects
from tests.engine.acting import Courier, Crew, Trip, some_turns, until


def now() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows with every turn of any lane."""
    taken: list[None] = []
    turn = Lane._turn

    async def counted(self: Lane) -> bool:
        taken.append(None)
        return await turn(self)

    monkeypatch.setattr(Lane, "_turn", counted)
    return taken


async def test_a_key_is_woken_when_it_is_due_and_not_at_the_next_look(tmp_path: Path) -> None:
    due = now() + 300
    crew = Crew(hop := Courier(Effects(wake=[(due, [b"k"])])), tmp_path)
    crew.open()
    crew.put(b"x")
    await until(lambda: hop.woken)
    assert [key for key, _ in hop.woken] == [b"k"]
    assert hop.woken[0][1] >= due
    assert await crew.lanes.rest()


@pytest.mark.parametrize("by", ["work", "heard", "wake"])
def test_a_new_timer_shortens_the_sleep_whoever_set_it(tmp_path: Path, by: str) -> None:
    asyncio.run(a_new_timer(tmp_path, by))


async def a_new_timer(home: Path, by: str) -> None:
    def soon(at: int) -> Effects:
        return Effects(wake=[(at + 50, [b"soon"])])

    async def pause() -> None:
        await asyncio.sleep(0.02)

    far, answers = Effects(wake=[(now() + 3_000_000, [b"far"])]), [soon]
    hop = Courier(far)
    if by == "work":
        hop.answers.append(soon(now()))
    elif by == "heard":
        hop.answers.append(Effects(errands=[Trip(b"k", pause)]))
        hop.on_heard = answers.pop()
    else:
        hop.answers.append(Effects(wake=[(now() + 20, [b"first"])]))
        hop.on_wake = lambda at: answers.pop()(at) if answers else Effects()
    crew = Crew(hop, home)
    crew.open()
    crew.put(b"x")
    await until(lambda: len(crew.told) == 1)
    crew.put(b"y")
    await until(lambda: b"soon" in dict(hop.woken))
    assert await crew.lanes.rest()


async def test_a_lane_that_waits_for_a_timer_with_a_full_hop_takes_no_turn_for_nothing(
    tmp_path: Path, turns: list[None]
) -> None:
    crew = Crew(hop := Courier(Effects(wake=[(now() + 300, [b"k"])])), tmp_path)
    crew.open()
    crew.put(b"x")
    await until(lambda: hop.worked)
    hop.full = {"a", "b"}
    crew.put(b"y")
    crew.put(b"z", topic="b")
    await until(lambda: hop.woken)
    await asyncio.sleep(1)  # and nothing is due, and nothing can be taken
    assert len(turns) <= 12
    assert hop.worked == [("a", b"x")]
    assert await crew.lanes.rest()


async def test_a_hop_that_wants_to_be_woken_at_once_for_ever_does_not_keep_the_worker_busy(
    tmp_path: Path, turns: list[None]
) -> None:
    hop = Courier(Effects(wake=[(0, [b"k"])]))
    hop.on_wake = lambda at: Effects(wake=[(at - 1_000, [b"k"])])
    crew = Crew(hop, tmp_path)
    crew.open()
    began = time.perf_counter()
    crew.put(b"x")
    await asyncio.sleep(0.3)
    assert 1 < len(hop.woken) <= (time.perf_counter() - began) / LOOK_S + 1
    assert await crew.lanes.rest()


async def test_a_full_hop_takes_no_more_of_that_input_and_goes_on_with_the_others(tmp_path: Path) -> None:
    crew = Crew(hop := Courier(), tmp_path)
    hop.full = {"a"}
    crew.open()
    held = crew.put(b"1")
    crew.put(b"2", topic="b")
    crew.put(b"3", topic="b")
    await until(lambda: len(hop.worked) == 2)
    await some_turns()
    assert (hop.worked, held.done) == ([("b", b"2"), ("b", b"3")], False)
    await until(lambda: crew.lanes.is_held(held.tp))
    hop.full = set()
    crew.put(b"4", topic="b")
    await until(lambda: len(hop.worked) == 4)
    assert held.done
    assert not crew.lanes.is_held(held.tp)
    assert await crew.lanes.rest()


async def test_a_lane_that_hangs_is_not_taken_for_one_that_holds_back(tmp_path: Path) -> None:
    crew = Crew(hop := Courier(Effects(writes={b"k": b"1"})), tmp_path)
    hop.full = {"a"}
    crew.open()
    held = crew.put(b"1")
    await until(lambda: crew.lanes.is_held(held.tp))
    crew.slate.holds.clear()
    crew.put(b"2", topic="b")
    await until(lambda: hop.worked)
    assert not crew.lanes.is_held(held.tp)
    crew.slate.holds.set()
    await until(lambda: crew.lanes.is_held(held.tp))
    assert await crew.lanes.rest()


@pytest.mark.parametrize("by", ["result", "wake", "interval"])
async def test_a_full_hop_is_asked_again_after_a_result_a_wake_and_an_interval(tmp_path: Path, by: str) -> None:
    go = asyncio.Event()
    first = {
        "result": Effects(errands=[Trip(b"k", go.wait)]),
        "wake": Effects(wake=[(now() + 300, [b"k"])]),
        "interval": Effects(),
    }[by]
    crew = Crew(hop := Courier(first), tmp_path, wake_interval=20 if by == "interval" else 3_600_000)
    crew.open()
    crew.put(b"1")
    await until(lambda: hop.worked)
    hop.full = {"a"}
    held = crew.put(b"2")
    await until(lambda: crew.lanes.is_held(held.tp))
    hop.full = set()
    go.set()
    await until(lambda: held.done)
    assert await crew.lanes.rest()


async def test_what_one_lane_hears_lets_the_other_lanes_of_its_hop_look_again(tmp_path: Path) -> None:
    go = asyncio.Event()
    crew = Crew(hop := Courier(Effects(errands=[Trip(b"k", go.wait)])), tmp_path)
    crew.open(0)
    crew.open(1)
    crew.put(b"1")
    await until(lambda: hop.worked)
    hop.full = {"a"}
    held = crew.put(b"2", partition=1)
    await until(lambda: crew.lanes.is_held(held.tp))
    hop.full = set()
    go.set()
    await until(lambda: held.done)
    assert await crew.lanes.rest()


async def test_results_without_end_starve_neither_deliveries_nor_timers(tmp_path: Path) -> None:
    async def at_once() -> None:
        pass

    hop = Courier(Effects(errands=[Trip(b"k", at_once)], wake=[(now() + 50, [b"w"])]))
    hop.on_heard = lambda _: Effects(errands=[] if len(hop.woken) == 1 else [Trip(b"k", at_once)])
    crew = Crew(hop, tmp_path)
    crew.open()
    crew.put(b"1")
    crew.put(b"2")
    await until(lambda: len(hop.woken) == 1)
    assert len(hop.worked) == 2
    assert await crew.lanes.rest()


async def test_what_comes_while_a_lane_is_busy_is_its_next_chunk_and_is_done_with_it(tmp_path: Path) -> None:
    crew = Crew(hop := Courier(), tmp_path, chunk_records=3)
    crew.open()
    crew.slate.holds.clear()
    hop.answers.append(Effects(writes={b"k": b"v"}))
    first = crew.put(b"0")
    await until(lambda: crew.lane().at is not None)
    later = [crew.put(b"%d" % number) for number in range(1, 5)]
    crew.slate.holds.set()
    await until(lambda: all(one.done for one in (first, *later)))
    assert [effects.records for _, effects in crew.told] == [1, 3, 1]
    assert [key for _, key in hop.worked] == [b"0", b"1", b"2", b"3", b"4"]
    assert await crew.lanes.rest()


async def test_a_partition_is_fetched_no_further_once_two_chunks_of_records_wait_however_few_each_brought(
    tmp_path: Path,
) -> None:
    crew = Crew(Courier(), tmp_path, chunk_records=2)
    crew.open()
    full = []
    for number in range(4):
        crew.put(b"%d" % number)
        full.append(crew.lanes.is_full(TP("a", 0)))
    assert full == [False, False, False, True]
    await until(lambda: not crew.lanes.is_full(TP("a", 0)))
    assert await crew.lanes.rest()


async def test_a_busy_lane_wakes_what_is_due_between_its_chunks(tmp_path: Path) -> None:
    seen: list[int] = []

    def note(_: int) -> Effects:
        seen.append(len(hop.worked))
        return Effects()

    hop = Courier(Effects(wake=[(0, [b"w"])]))
    hop.on_wake = note
    crew = Crew(hop, tmp_path, wake_interval=1, chunk_records=1)
    crew.open()
    for number in range(500):
        crew.put(b"%d" % number)
    await until(lambda: len(hop.worked) == 500)
    assert seen
    assert seen[0] < 500
    assert await crew.lanes.rest()


async def test_a_hop_that_acts_hears_its_part_whenever_that_changes(tmp_path: Path) -> None:
    crew = Crew(hop := Courier(), tmp_path, partitions=4)
    for partition in range(3):
        crew.open(partition)
    assert hop.parts == [0.25, 0.5, 0.75]
    assert await crew.lanes.rest()
    assert hop.parts[3:] == [0.0]

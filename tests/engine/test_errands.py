"""Errands in a lane: begun once their intent is durable, heard once they are over, waited for when the lane ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from streams.engine.errands import Errands
from streams.errors import WorldFailed
from streams.pipeline import Effects
from tests.engine.acting import Courier, Crew, Trip, some_turns, until


async def at_once() -> bytes:
    return b"done"


def meant(*trips: Trip, at: str = "") -> Effects:
    """Return effects that note the intent of *trips*, and have them run."""
    return Effects(writes={trip.key: b"meant" + at.encode() for trip in trips}, errands=list(trips))


async def test_an_errand_begins_only_after_its_intent_is_durable(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def look() -> bytes:
        seen.append((list(crew.changelog()), crew.stores[0].recall([b"k"]), list(crew.slate.written["out", 0])))
        return b"done"

    effects = meant(Trip(b"k", look))
    effects.emit("out", b"o", b"1")
    crew = Crew(Courier(effects), tmp_path)
    crew.open()
    crew.put(b"k")
    await until(lambda: seen)
    assert seen == [([(b"k", b"meant")], [b"meant"], [(b"o", b"1")])]
    assert await crew.lanes.rest()


async def test_what_an_errand_came_to_becomes_durable_and_is_told(tmp_path: Path) -> None:
    crew = Crew(Courier(meant(Trip(b"k", at_once))), tmp_path)
    crew.open()
    crew.put(b"k")
    await until(lambda: len(crew.told) == 2)
    assert crew.changelog() == [(b"k", b"meant"), (b"k", b"done")]
    assert crew.stores[0].recall([b"k"]) == [b"done"]
    effects, timings = crew.told[1]
    assert (effects.writes, timings.records, timings.appended_at) == ({b"k": b"done"}, 1, None)
    assert await crew.lanes.rest()


async def test_all_that_ended_meanwhile_is_heard_at_once_in_the_order_of_its_ends_and_before_the_next_chunk(
    tmp_path: Path,
) -> None:
    go = [asyncio.Event() for _ in range(3)]
    trips = [Trip(b"%d" % n, event.wait) for n, event in enumerate(go)]
    hop = Courier(meant(*trips), Effects(writes={b"x": b"1"}))
    crew = Crew(hop, tmp_path)
    crew.open()
    crew.put(b"first")
    await until(lambda: len(crew.told) == 1)
    crew.slate.holds.clear()
    crew.put(b"second")
    await until(lambda: len(hop.worked) == 2)  # and waits for the broker
    for ended, number in enumerate((2, 0, 1), start=1):
        go[number].set()
        await until(lambda ended=ended: sum(trip.ended for trip in trips) == ended)  # type: ignore[misc] # no type to say
    crew.put(b"third")
    crew.slate.holds.set()
    await until(lambda: len(hop.worked) == 3)
    assert hop.results == [[(b"2", True), (b"0", True), (b"1", True)]]
    assert [timings.records for _, timings in crew.told[:3]] == [1, 1, 3]
    assert await crew.lanes.rest()


async def test_a_result_is_heard_before_a_chunk_that_comes_at_the_same_time(tmp_path: Path) -> None:
    class Bearer(Trip):
        def over(self) -> None:
            crew.put(b"chunk")

    hop = Courier(meant(Bearer(b"k", at_once)))
    hop.on_heard = lambda _: Effects(writes={b"worked": b"%d" % len(hop.worked)})
    crew = Crew(hop, tmp_path)
    crew.open()
    crew.put(b"k")
    await until(lambda: len(hop.worked) == 2)
    assert (b"worked", b"1") in crew.changelog()
    assert await crew.lanes.rest()


async def test_an_errand_that_follows_from_another_is_run_too(tmp_path: Path) -> None:
    hop = Courier(meant(Trip(b"k", at_once)))
    second = Trip(b"k2", at_once)
    answers = [meant(second)]
    hop.on_heard = lambda _: answers.pop() if answers else Effects()
    crew = Crew(hop, tmp_path)
    crew.open()
    crew.put(b"k")
    await until(lambda: len(hop.results) == 2)
    assert second.ended == 1
    assert await crew.lanes.rest()
    assert crew.stores[0].recall([b"k2"]) == [b"done"]


async def test_a_lane_that_closes_waits_for_its_errands_and_takes_nothing_more(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def slow() -> bytes:
        await go.wait()
        return b"done"

    hop = Courier(meant(trip := Trip(b"k", slow)))
    crew = Crew(hop, tmp_path)
    crew.open()
    crew.put(b"k")
    await until(lambda: trip.begun)
    resting = asyncio.create_task(crew.lanes.rest())
    await some_turns()
    late = crew.put(b"late")
    await some_turns()
    assert not resting.done()
    go.set()
    assert await resting
    assert crew.stores[0].recall([b"k"]) == [b"done"]
    assert (hop.worked, late.done) == ([("a", b"k")], False)


async def test_an_errand_that_takes_longer_than_a_stop_may_is_cut_short(tmp_path: Path) -> None:
    cut: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.append("cut")
            raise

    crew = Crew(hop := Courier(meant(trip := Trip(b"k", endless))), tmp_path, stop_timeout=100)
    crew.open()
    crew.put(b"k")
    await until(lambda: trip.begun)
    assert not await crew.lanes.rest()
    await until(lambda: trip.ended)
    assert (cut, trip.ended, hop.results) == (["cut"], 1, [])
    assert crew.stores[0].recall([b"k"]) == [b"meant"]  # by which its heir knows that it may have happened


async def test_errands_are_cut_short_at_once_when_the_group_has_given_up_on_us(tmp_path: Path) -> None:
    crew = Crew(Courier(meant(trip := Trip(b"k", asyncio.Event().wait))), tmp_path, stop_timeout=3_600_000)
    crew.open()
    crew.put(b"k")
    await until(lambda: trip.begun)
    crew.membership.lost = True
    async with asyncio.timeout(30):
        await crew.lanes.rest()
    await until(lambda: trip.ended)
    assert trip.ended == 1


async def test_an_errand_that_raises_stops_the_worker_and_names_its_lane(tmp_path: Path) -> None:
    async def fall() -> None:
        raise RuntimeError("fell")

    crew = Crew(Courier(meant(trip := Trip(b"k", fall), other := Trip(b"o", asyncio.Event().wait))), tmp_path)
    crew.open(3)
    crew.put(b"k", partition=3)
    await until(lambda: crew.failures)
    assert crew.failures == [("lane courier/3", "RuntimeError: fell")]
    await until(lambda: other.ended)
    assert (trip.ended, other.ended) == (1, 1)
    assert not await crew.lanes.rest()


async def test_errands_whose_intent_did_not_become_durable_never_begin_and_are_over(tmp_path: Path) -> None:
    crew = Crew(Courier(meant(trip := Trip(b"k", at_once))), tmp_path)
    crew.slate.refuses = WorldFailed("the broker is down")
    crew.open()
    crew.put(b"k")
    await until(lambda: crew.failures)
    assert (trip.begun, trip.ended) == (False, 1)
    assert crew.failures[0][1] == "WorldFailed: the broker is down"


async def test_errands_of_a_hop_that_does_not_act_are_refused(tmp_path: Path) -> None:
    class Quiet:
        """The same hop, less what makes it act."""

        name = "quiet"

        def __init__(self, hop: Courier) -> None:
            self.work, self.wake, self.census = hop.work, hop.wake, hop.census

    crew = Crew(Quiet(Courier(meant(trip := Trip(b"k", at_once)))), tmp_path)
    crew.open()
    crew.put(b"k")
    await until(lambda: crew.failures)
    assert crew.failures[0][1].startswith("BadSettings: hop quiet has errands")
    assert (trip.begun, crew.changelog()) == (False, [])


async def test_whatever_ends_an_errand_it_is_over_exactly_once() -> None:
    async def fall() -> None:
        raise RuntimeError

    ends: list[None] = []
    errands = Errands(lambda: ends.append(None))
    good, bad, cut = Trip(b"good", at_once), Trip(b"bad", fall), Trip(b"cut", asyncio.Event().wait)
    errands.start([good, bad, cut])
    await some_turns()
    unbegun = Trip(b"unbegun", at_once)
    errands.start([unbegun])
    errands.cancel()
    await some_turns()
    assert [trip.ended for trip in (good, bad, cut, unbegun)] == [1, 1, 1, 1]
    assert (unbegun.begun, len(ends), errands.running) == (False, 4, 0)


async def test_an_errand_that_is_cancelled_from_within_is_not_forgotten() -> None:
    async def vanish() -> None:
        raise asyncio.CancelledError

    errands = Errands(lambda: None)
    errands.start([Trip(b"k", vanish)])
    await some_turns()
    assert errands
    with pytest.raises(WorldFailed, match="from within"):
        errands.take()


async def test_an_errand_that_cannot_bear_to_be_over_stops_the_worker() -> None:
    class Sore(Trip):
        def over(self) -> None:
            raise RuntimeError("sore")

    errands = Errands(lambda: None)
    errands.start([Sore(b"k", at_once)])
    await some_turns()
    with pytest.raises(RuntimeError, match="sore"):
        errands.take()

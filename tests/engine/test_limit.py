"""Too many dead letters stop the worker before anything of the chunk is written; a few never do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.engine.limit import Limit
from streams.errors import WorldFailed
from streams.pipeline import Batch, Effects, SetAside
from tests.engine.acting import Courier, Crew, Trip, until


def aside(count: int, reason: str = "NOT_AVRO", topic: str = "ses.feedback") -> list[SetAside]:
    return [SetAside("BY_MESSAGE", reason, topic, 2, 100 + number) for number in range(count)]


def stops(limit: Limit, *chunks: tuple[int, int]) -> list[bool]:
    """Return for each chunk (records, dead letters) whether it stops the worker."""
    found = []
    for records, dead in chunks:
        try:
            limit.check(records, aside(dead))
        except WorldFailed:
            found.append(True)
        else:
            found.append(False)
    return found


@pytest.mark.parametrize(
    ("chunks", "stopped"),
    [
        ([(999, 999)], False),
        ([(1_000, 50)], False),
        ([(1_000, 51)], True),
        ([(4_000, 40)], False),
        ([(4_000, 201)], True),
        ([(500, 30), (500, 30)], True),
        ([(500, 25), (500, 25)], False),
        ([(100, 100), (900, 0), (50, 1)], True),
        ([(100, 100), (900, 0), (100, 0), (100, 1)], False),
        ([(1_000, 0)] * 50 + [(1_000, 51)], True),
        ([(1, 1)] * 999, False),
        ([(1, 1)] * 1_000, True),
        ([(0, 0)] * 5 + [(1_000, 50)], False),
    ],
)
def test_more_than_the_share_of_a_whole_window_stops(chunks: Sequence[tuple[int, int]], stopped: bool) -> None:
    assert stops(Limit(0.05, 1_000), *chunks) == [False] * (len(chunks) - 1) + [stopped]


def test_what_passed_long_ago_is_forgotten_and_takes_no_room() -> None:
    limit = Limit(0.05, 1_000)
    assert stops(limit, (1_000, 50), *[(100, 0)] * 20) == [False] * 21
    assert stops(limit, (100, 50), (100, 1)) == [False, True]
    assert len(limit._chunks) <= 11


def test_a_share_of_one_allows_everything() -> None:
    assert stops(Limit(1.0, 1), *[(1_000, 1_000)] * 3) == [False] * 3


def test_a_chunk_in_which_all_is_well_stops_nothing_even_behind_a_bad_one() -> None:
    assert stops(Limit(0.05, 1_000), (900, 100), (100, 0)) == [False, False]


def test_the_words_say_who_where_why_how_much_and_what_to_do() -> None:
    limit = Limit(0.05, 1_000)
    limit.check(1_000, aside(30, "NOT_AVRO"))
    with pytest.raises(WorldFailed) as stopped:
        limit.check(200, [*aside(44, "UNKNOWN_SCHEMA"), SetAside("BY_MESSAGE", "BAD_TIME", "ses.sends", 3, 4_988)])
    words = str(stopped.value)
    assert "BY_MESSAGE gave up 75 of its last 1,200 records (6.2%, and 5.0% are allowed)" in words
    assert "the last at ses.sends/3 offset 4988, most of them for UNKNOWN_SCHEMA." in words
    assert "ses-streams dead-letters list --stage BY_MESSAGE --reason UNKNOWN_SCHEMA." in words
    assert "SES_STREAMS_DEAD_LETTERS__MAX_SHARE=1" in words


async def test_a_lane_that_goes_too_far_writes_and_acknowledges_nothing_and_drops_its_errands(tmp_path: Path) -> None:
    trip = Trip(b"k", until)  # type: ignore[arg-type] # it never begins
    bad = Effects(outputs={"out": Batch([b"k"], [b"letter"])}, writes={b"k": b"1"}, errands=[trip], set_aside=aside(60))
    crew = Crew(Courier(Effects(set_aside=aside(40)), bad), tmp_path)
    crew.open()
    crew.open(1)
    first = crew.put(*[b"x"] * 900)
    await until(lambda: first.done)
    second = crew.put(*[b"x"] * 100, partition=1)  # the window is the hop's, whatever the partition
    await until(lambda: crew.failures)
    ((where, words),) = crew.failures
    assert where.startswith("lane courier/1, a/1 offsets 0..0")
    assert re.match(r"WorldFailed: BY_MESSAGE gave up 100 of its last 1,000 records", words)
    assert not second.done
    assert crew.slate.written == {}
    assert crew.stores[1].recall([b"k"]) == [None]
    assert (trip.begun, trip.ended) == (False, 1)
    assert not await crew.lanes.rest()

"""What may be committed: never offset N+1 before N, whatever order things finish in."""

from __future__ import annotations

import logging
from collections import deque

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.delivery import Delivery, Ledger
from streams.engine.inbox import joined, next_of
from streams.pipeline import Chunk

SENDS = TP("sends", 0)


def delivery(start: int, after: int, began: int = 0, ended: int = 0) -> Delivery:
    chunk = Chunk(topic="sends", partition=0, keys=[], values=[], offsets=[])
    return Delivery(SENDS, chunk, start, after, generation=1, began=began, timestamp=ended, seconds=0.0)


@pytest.mark.parametrize(
    ("sends", "feedback", "chosen"),
    [
        ((0, 100), (50, 120), "sends"),  # some of this feedback is about these sends
        ((100, 200), (50, 90), "feedback"),  # all of it is about sends that have been read
        ((100, 200), (50, 100), "sends"),
        (None, (50, 120), "feedback"),
        ((0, 100), None, "sends"),
        (None, None, None),
    ],
)
def test_feedback_goes_before_sends_only_if_it_ends_before_they_begin(
    sends: tuple[int, int] | None, feedback: tuple[int, int] | None, chosen: str | None
) -> None:
    heads = {
        "sends": None if sends is None else delivery(0, 1, *sends),
        "feedback": None if feedback is None else delivery(0, 1, *feedback),
    }
    queues = [deque([] if head is None else [head, delivery(1, 2)]) for head in heads.values()]
    assert next_of(queues, 1)[:1] == ([] if chosen is None else [heads[chosen]])


def of(*keys: bytes, start: int, began: int, ended: int) -> Delivery:
    offsets = range(start, start + len(keys))
    chunk = Chunk(topic="sends", partition=0, keys=list(keys), values=list(keys), offsets=offsets)
    return Delivery(SENDS, chunk, start, start + len(keys), generation=1, began=began, timestamp=ended, seconds=0.5)


def test_those_behind_it_go_with_a_delivery_as_far_as_a_chunk_has_room() -> None:
    queue = deque(of(b"k", b"l", start=2 * n, began=n, ended=n) for n in range(4))
    assert next_of([queue], 5) == list(queue)[:2]
    assert next_of([queue], 1) == list(queue)[:1]


def test_feedback_behind_other_feedback_waits_for_the_sends_that_it_may_be_about() -> None:
    sends = deque([of(b"s", start=0, began=100, ended=200)])
    feedback = deque(of(b"f", start=n, began=ended, ended=ended) for n, ended in enumerate((90, 99, 100)))
    assert next_of([sends, feedback], 10) == list(feedback)[:2]


def test_joined_deliveries_are_one_chunk_with_all_their_records() -> None:
    one = joined([of(b"a", b"b", start=5, began=10, ended=20), of(b"c", start=9, began=30, ended=40)])
    assert (one.chunk.keys, one.chunk.values, one.chunk.offsets) == ([b"a", b"b", b"c"], [b"a", b"b", b"c"], [5, 6, 9])
    assert (one.start, one.next_offset, one.began, one.timestamp, one.seconds) == (5, 10, 10, 40, 1.0)


@given(st.permutations(range(8)))
def test_commits_stop_before_the_first_that_is_not_done(order: list[int]) -> None:
    ledger = Ledger()
    chunks = [delivery(10 * n, 10 * n + 10) for n in range(8)]
    for chunk in chunks:
        ledger.enter(chunk)
    committed = 0
    for index in order:
        chunks[index].done = True
        committed = ledger.advance(SENDS) or committed
        unfinished = [chunk.start for chunk in chunks if not chunk.done]
        assert committed == (unfinished[0] if unfinished else 80)


def test_a_partition_that_was_given_away_is_committed_no_more() -> None:
    ledger = Ledger()
    chunk = delivery(0, 10)
    ledger.enter(chunk)
    ledger.forget([SENDS])
    chunk.done = True
    assert ledger.advance(SENDS) is None


def test_records_that_were_never_fetched_do_not_pass_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger()
    with caplog.at_level(logging.ERROR):
        ledger.enter(delivery(0, 10))
        ledger.enter(delivery(10, 20))
        assert not caplog.messages
        ledger.enter(delivery(25, 30))
    assert caplog.messages == ["sends/0: offsets 20..24 were not fetched"]


def test_what_the_brokers_did_not_take_is_offered_to_them_again() -> None:
    ledger = Ledger()
    chunk = delivery(0, 10)
    ledger.enter(chunk)
    assert ledger.uncommitted(SENDS) is None
    chunk.done = True
    assert [ledger.advance(SENDS), ledger.advance(SENDS)] == [10, 10]
    assert ledger.uncommitted(SENDS) == -1
    ledger.committed({SENDS: 10})
    assert ledger.advance(SENDS) is ledger.uncommitted(SENDS) is None
    another = delivery(10, 20)
    ledger.enter(another)
    another.done = True
    ledger.advance(SENDS)
    assert ledger.uncommitted(SENDS) == 10


def test_offsets_that_are_gone_are_counted_once_and_passed_in_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger()
    chunk = delivery(0, 10)
    ledger.enter(chunk)
    with caplog.at_level(logging.ERROR):
        ledger.jump(SENDS, 10, 25, generation=1)
        ledger.jump(SENDS, 10, 25, generation=1)
        ledger.enter(delivery(25, 30))
    assert caplog.messages == ["sends/0: offsets 10..24 were deleted before they were read"]
    assert ledger.lost == {"sends": 15}
    assert ledger.advance(SENDS) is None  # what lies ahead of them is not done yet
    chunk.done = True
    assert ledger.advance(SENDS) == 25


def test_a_partition_that_was_made_anew_is_read_from_where_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger()
    with caplog.at_level(logging.ERROR):
        ledger.jump(SENDS, 100, 0, generation=1)
    assert caplog.messages == ["sends/0: offset 100 is beyond the end: read anew from 0"]
    assert ledger.lost == {}
    assert ledger.advance(SENDS) == 0


def test_work_begins_at_the_first_delivery_that_is_not_done() -> None:
    ledger = Ledger()
    assert ledger.begins_at(SENDS) is None
    chunks = [delivery(5, 10), delivery(10, 15)]
    for chunk in chunks:
        ledger.enter(chunk)
    assert ledger.begins_at(SENDS) == 5
    chunks[0].done = True
    assert ledger.begins_at(SENDS) == 10

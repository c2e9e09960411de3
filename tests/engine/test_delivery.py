"""What may be committed: never offset N+1 before N, whatever order things finish in."""

from __future__ import annotations

import logging

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.delivery import Delivery, Ledger
from streams.pipeline import Chunk

SENDS = TP("sends", 0)


def delivery(start: int, after: int) -> Delivery:
    chunk = Chunk(topic="sends", partition=0, keys=[], values=[], offsets=[])
    return Delivery(SENDS, chunk, start, after, generation=1, timestamp=0, seconds=0.0)


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

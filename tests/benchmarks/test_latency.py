"""What the latency benchmark computes: how its load is paced and stamped, and what it makes of the times."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.latency import missing, percentiles
from benchmarks.latency_load import TICK_MS, Record, due_by, records_of
from benchmarks.latency_plot import across, draw, up
from benchmarks.latency_reader import STAMP, Answered
from streams.hops.by_message import ByMessage
from streams.mail.policy import JoinPolicy
from streams.pipeline import Chunk
from streams.schemas.codec import load_codec
from streams.schemas.varint import zigzag

NOW = 1_795_000_000_123


def test_a_percentile_is_the_time_that_so_many_did_not_exceed() -> None:
    times = Counter({float(number): 1 for number in range(1, 1001)})
    assert percentiles(times, (50, 99, 99.9, 100)) == {50: 500.0, 99: 990.0, 99.9: 999.0, 100: 1000.0}


def test_percentiles_count_each_time_as_often_as_it_was_taken() -> None:
    assert percentiles({5.0: 98, 70.0: 1, 900.0: 1}, (50, 98, 99, 100)) == {50: 5.0, 98: 5.0, 99: 70.0, 100: 900.0}


def test_a_percentile_that_so_few_times_cannot_show_is_left_out() -> None:
    assert percentiles({5.0: 99, 70.0: 1}, (50, 99, 99.9, 100)) == {50: 5.0, 99: 5.0, 100: 70.0}


@pytest.mark.parametrize("rate", [3, 10, 999, 40_000])
def test_as_many_records_are_due_in_a_second_as_the_rate_says(rate: int) -> None:
    assert due_by(1000 // TICK_MS, rate) == rate
    assert due_by(60_000 // TICK_MS, rate) == 60 * rate


def test_no_tick_brings_more_than_its_share_and_one() -> None:
    due = [due_by(tick, 333.3) for tick in range(1000)]
    assert {after - before for before, after in pairwise(due)} == {1, 2}


def test_what_is_missing_is_not_made_up_for_by_what_is_there_twice() -> None:
    assert missing({1: 10, 2: 10, 3: 1}, {1: 8, 2: 12}) == 3
    assert missing({1: 8, 2: 12}, {1: 10, 2: 10, 3: 1}) == 2


def test_a_record_with_its_time_put_in_is_what_the_codec_would_have_written() -> None:
    codec, found = load_codec(), set[str]()
    for record in islice(records_of({"sends": "s", "feedback": "f"}), 1000):
        name, field = ("mail.Send", "sent_at") if record.topic == "s" else ("mail.Feedback", "occurred_at")
        read: Any = codec.decode(name, record.head + zigzag(NOW) + record.tail)
        assert read[field] == NOW
        assert read["message_id"].encode() == record.key
        assert record.outcomes == (0 if record.topic == "s" else len(read["recipients"]))
        found.add(name)
    assert found == {"mail.Send", "mail.Feedback"}


def test_an_outcome_has_the_time_of_its_event_where_the_reader_looks_and_there_are_as_many_as_are_due() -> None:
    some = list(islice(records_of({"sends": "sends", "feedback": "feedback"}), 2000))
    feedback = [record for record in some if record.topic == "feedback"]
    mails = {record.key for record in feedback}
    lives = _worked([record for record in some if record.topic == "sends" and record.key in mails], {}).writes
    outcomes = _worked(feedback, lives).outputs["outcomes"].values
    assert {(value or b"")[STAMP] for value in outcomes} == {zigzag(NOW)}
    assert len(outcomes) == sum(record.outcomes for record in feedback) > 0


def _worked(records: list[Record], lives: Any) -> Any:
    chunk = Chunk(
        topic=records[0].topic,
        partition=0,
        keys=[record.key for record in records],
        values=[record.head + zigzag(NOW) + record.tail for record in records],
        offsets=range(len(records)),
    )
    hop = ByMessage(load_codec(), JoinPolicy())
    return hop.work(chunk, lambda wanted: [lives.get(key) for key in wanted], NOW)


def test_the_reader_keeps_how_long_each_moment_took_and_leaves_out_those_before() -> None:
    answered = Answered()
    answered.saw(Counter({zigzag(NOW): 2, zigzag(NOW + 5): 1}), NOW + 12.5)
    answered.saw(Counter({zigzag(NOW): 1}), NOW + 40.0)
    assert answered.outcomes == {NOW: 3, NOW + 5: 1}
    assert answered.since(NOW) == {12.5: 2, 7.5: 1, 40.0: 1}
    assert answered.since(NOW + 1) == {7.5: 1}


def test_the_picture_has_a_line_for_each_load_and_its_axes_go_by_decades() -> None:
    curve = [[50, 10.0], [99, 40.0], [99.9, 90.0], [100, 95.0]]
    runs = [{"load": load, "events_per_s": 1000, "curve": curve} for load in (None, 0.5)]
    picture = ET.fromstring(draw(runs))  # noqa: S314 - made a line above
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == len(runs)
    assert across(99.9) - across(99) == pytest.approx(across(99) - across(90), abs=0.2)
    assert up(1, 1000) - up(10, 1000) == pytest.approx(up(10, 1000) - up(100, 1000), abs=0.2)

"""What an item becomes, by whatever road it came: feedback, dead letters with its bytes, or nothing."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inlets.sorting import LARGEST_KEPT, Sorted, Sorter
from streams.inlets.tally import Road, Tally
from streams.intake.contents import Bytes
from streams.intake.files import read_files
from streams.intake.parts import MAX_EVENT_BYTES
from streams.intake.sources import Reading, file_source
from streams.intake.split import Splitter
from streams.mail.deadletter import DeadReason
from streams.observe.metrics import Metrics
from tests.builders import CODEC, NOON
from tests.intake.corpus import Case, cases

ORIGIN = "sqs:mail-events"
DELIVERY = {
    "eventType": "Delivery",
    "mail": {"messageId": "<m-1@eu-west-1.amazonses.com>", "timestamp": "2026-09-21T12:00:00.000Z"},
    "delivery": {"timestamp": "2026-09-21T12:00:02.000Z", "recipients": ["Ann@Example.com"]},
}
WORDS = ["mail", "messageId", "eventType", "Message", "Type", "Records", "body", "detail", "bounce", "content"]


def sort(item: object) -> Sorted:
    return Sorter(CODEC, lambda: NOON).sort(item if isinstance(item, bytes) else json.dumps(item).encode(), ORIGIN)


def dead_of(found: Sorted) -> list[dict[str, Any]]:
    return [CODEC.decode("mail.DeadLetter", r.value) for r in found.records if r.role == "dead-letters"]


def test_an_event_becomes_feedback_under_its_message_id_in_normal_form() -> None:
    (record,) = sort(DELIVERY).records
    assert (record.role, record.key) == ("feedback", b"m-1")
    assert CODEC.decode("mail.Feedback", record.value)["recipients"][0]["address"] == "ann@example.com"


def test_a_part_that_cannot_be_used_becomes_a_dead_letter_and_its_neighbours_go_on() -> None:
    found = sort([DELIVERY, {"eventType": "Bounce", "mail": {}}, 7, DELIVERY])
    assert [record.role for record in found.records] == ["feedback", "dead-letters", "dead-letters", "feedback"]
    assert found.events == 2
    assert found.dead == [DeadReason.NO_MESSAGE_ID, DeadReason.NOT_AN_EVENT]
    first, second = dead_of(found)
    assert json.loads(first["value"]) == {"eventType": "Bounce", "mail": {}}
    assert (first["topic"], first["stage"], first["at"], second["value"]) == (ORIGIN, "INTAKE", NOON, b"7")


@pytest.mark.parametrize("item", [b"", b"{", b"\xff\xfe", b"null", b"hello ann@example.com", b'"\\ud800"'])
def test_what_is_no_event_is_kept_whole_as_a_dead_letter(item: bytes) -> None:
    (dead,) = dead_of(sort(item))
    assert dead["value"] == item
    assert "ann@" not in dead["detail"]


def test_a_confirmation_and_ses_first_words_become_nothing() -> None:
    assert sort({"Type": "SubscriptionConfirmation", "Message": "confirm", "SubscribeURL": "https://x"}).records == []
    assert sort(b"Successfully validated SNS topic for Amazon SES event publishing.").records == []


def test_an_event_beyond_measure_is_a_dead_letter_that_its_topic_takes() -> None:
    (dead,) = dead_of(sort({**DELIVERY, "x": "y" * MAX_EVENT_BYTES}))
    assert dead["reason"] == "TOO_LARGE"
    (dead,) = dead_of(sort(b"{" + b"x" * (LARGEST_KEPT + 1)))
    assert len(dead["value"]) == LARGEST_KEPT


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_road_reads_an_event_as_ingest_reads_it_from_a_file(case: Case) -> None:
    items = list(read_files([case.path]))
    by_file = [item.feedback.feedback_id for item in items if item.feedback is not None]
    with closing(Bytes(file_source(case.path), Reading())) as file:
        pieces = [piece.data for piece in Splitter(file.read, keep=MAX_EVENT_BYTES)]
    found = [sort(piece) for piece in pieces]
    records = [record for one in found for record in one.records if record.role == "feedback"]
    assert [CODEC.decode("mail.Feedback", record.value)["feedback_id"] for record in records] == by_file


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["mail", "messageId", "eventType", "Message", "Type", "Records", "body", "detail", "bounce"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    ),
    st.binary(max_size=50),
)
def test_whatever_comes_is_sorted_and_nothing_is_raised(value: object, rubbish: bytes) -> None:
    for item in (json.dumps(value).encode(), rubbish):
        found = sort(item)
        assert len(found.records) == found.events + len(found.dead)


def test_what_landed_is_counted_by_road_with_the_age_of_its_events() -> None:
    metrics = Metrics()
    tally = Tally(metrics, lambda: NOON)
    tally.landed(Road.SQS, sort([DELIVERY, 7]))
    tally.landed(Road.SQS, sort(b"Successfully validated SNS topic for Amazon SES event publishing."))
    tally.refused(Road.SNS, "signature")
    tally.repeated(Road.SNS)
    tally.failed(Road.SNS)
    items = {labels: count for labels, count in metrics.values("ses_intake_items_total").items() if count}
    assert items == {
        ("sqs", "landed"): 1,
        ("sqs", "nothing"): 1,
        ("sns", "refused"): 1,
        ("sns", "repeated"): 1,
        ("sns", "failed"): 1,
    }
    records = metrics.values("ses_intake_records_total")
    assert (records["sqs", "feedback"], records["sqs", "dead-letters"]) == (1, 1)
    assert metrics.values("ses_dead_letters_total")["INTAKE", "NOT_AN_EVENT"] == 1
    assert metrics.values("ses_intake_refused_total")["sns", "signature"] == 1
    ages = metrics.histograms("ses_intake_age_seconds")["sqs",]
    assert [below for _, below in ages.cumulative()][-1] == 1
    assert sum(chain(metrics.values("ses_dropped_labels_total").values())) == 0

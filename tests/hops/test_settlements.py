"""What hop 1 tells dispatch about a request: that SES has its mail after all, and that a machine answered one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.hops.by_message import ByMessage
from streams.mail.policy import JoinPolicy
from streams.mail.tagging import ATTEMPT_TAG, REQUEST_TAG, STREAM_TAG, tag_of
from tests.builders import CODEC, NOON, Bench, bounce, event, send

PARK = JoinPolicy().park
TAGS = {REQUEST_TAG: ["r-9"], ATTEMPT_TAG: ["2"], STREAM_TAG: ["alerts"]}
ROBOT = "robot@example.net"


@pytest.fixture
def hop() -> Bench:
    """Return hop 1 on a workbench."""
    return _bench()


def _bench() -> Bench:
    return Bench(ByMessage(CODEC, JoinPolicy()))


def sends(bench: Bench, *records: dict[str, Any], now: int = NOON) -> None:
    """Let sends come in one chunk."""
    bench.work("sends", [CODEC.encode("mail.Send", r) for r in records], now)


def feedback(bench: Bench, *records: dict[str, Any], now: int = NOON) -> None:
    """Let feedback come in one chunk."""
    bench.work("feedback", [CODEC.encode("mail.Feedback", r) for r in records], now)


def settled(bench: Bench) -> list[dict[str, Any]]:
    """Return the settlements so far; each has its request's id as key."""
    found = bench.read("settlements", "mail.Settlement")
    keys = [key for topic, key, _ in bench.emitted if topic == "settlements"]
    assert keys == [one["request_id"].encode() for one in found]
    return found


def sent_event(**fields: Any) -> dict[str, Any]:
    """Return SES's own SEND event of a mail that names its request."""
    facts = {"occurred_at": NOON, "sent_at": NOON, "tags": TAGS, "destination": ["Ann@Example.com", "ben@example.org"]}
    return event("SEND", **{**facts, **fields})


def answered(message_id: str = "m-1", **fields: Any) -> dict[str, Any]:
    """Return a received auto-reply to a mail of ours, as intake writes it."""
    facts = {"occurred_at": NOON + 9_000, "reason": "auto-submitted", "source": "shop@example.net"}
    return event("AUTO_REPLY", message_id, ROBOT, **{**facts, **fields})


def test_a_send_event_without_a_send_says_that_ses_has_the_mail(hop: Bench) -> None:
    feedback(hop, sent_event())
    assert settled(hop) == [
        {
            "request_id": "r-9",
            "kind": "ACCEPTED",
            "at": NOON,
            "attempt": 2,
            "recipient": "",
            "message_id": "m-1",
            "recipients": ["ann@example.com", "ben@example.org"],
        }
    ]


@pytest.mark.parametrize("kind", ["DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE", "DELIVERY_DELAY"])
def test_any_event_that_must_wait_for_its_send_says_so_too(hop: Bench, kind: str) -> None:
    feedback(hop, event(kind, tags=TAGS, sent_at=NOON - 1, destination=["ann@example.com"], bounce_type="Permanent"))
    [one] = settled(hop)
    assert (one["kind"], one["request_id"], one["attempt"], one["at"]) == ("ACCEPTED", "r-9", 2, NOON - 1)
    assert one["recipients"] == ["ann@example.com"]


def test_where_the_mail_has_no_time_the_events_time_counts(hop: Bench) -> None:
    feedback(hop, event("DELIVERY", tags=TAGS))
    assert [(one["at"], one["recipients"]) for one in settled(hop)] == [(NOON + 2_000, [])]


def test_nothing_is_settled_while_the_send_is_known(hop: Bench) -> None:
    sends(hop, send(request_id="r-9"))
    feedback(hop, sent_event(), event("DELIVERY", tags=TAGS), event("OPEN", tags=TAGS))
    assert settled(hop) == []


@pytest.mark.parametrize("tags", [{}, {STREAM_TAG: ["alerts"]}, {REQUEST_TAG: []}, {REQUEST_TAG: [""]}])
def test_a_mail_that_names_no_request_settles_none(hop: Bench, tags: dict[str, list[str]]) -> None:
    feedback(hop, sent_event(tags=tags), event("DELIVERY", "m-2", tags=tags))
    assert settled(hop) == []


def test_one_chunk_settles_a_mail_once(hop: Bench) -> None:
    feedback(hop, event("DELIVERY", tags=TAGS), event("OPEN", tags=TAGS), sent_event())
    assert len(settled(hop)) == 1


def test_the_same_event_again_settles_nothing_again(hop: Bench) -> None:
    feedback(hop, event("DELIVERY", tags=TAGS))
    feedback(hop, event("DELIVERY", tags=TAGS))
    feedback(hop, sent_event())
    feedback(hop, sent_event())
    assert [one["kind"] for one in settled(hop)] == ["ACCEPTED", "ACCEPTED"]


@pytest.mark.parametrize(
    ("tag", "attempt"), [("1", 1), ("17", 17), ("0", 1), ("-2", 1), ("x", 1), ("", 1), ("9999999999", 1), ("²", 1)]
)
def test_an_attempt_that_is_no_number_is_the_first(hop: Bench, tag: str, attempt: int) -> None:
    feedback(hop, sent_event(tags={**TAGS, ATTEMPT_TAG: [tag]}))
    assert [one["attempt"] for one in settled(hop)] == [attempt]


def test_a_request_id_that_no_tag_can_hold_comes_back_whole(hop: Bench) -> None:
    written = "Bestellung 4711/ä"
    feedback(hop, sent_event(tags={REQUEST_TAG: [tag_of(written)], STREAM_TAG: [tag_of("Rechnungen ä")]}))
    assert [one["request_id"] for one in settled(hop)] == [written]
    feedback(hop, event("DELIVERY"))
    [out] = hop.read("outcomes", "mail.Outcome")
    assert (out["request_id"], out["stream"]) == (written, "Rechnungen ä")


def test_a_stand_in_knows_its_attempt_and_the_mail_that_it_answers(hop: Bench) -> None:
    feedback(hop, sent_event(headers={"in-reply-to": [" <q-1@example.org> "]}), event("DELIVERY"))
    [out] = hop.read("outcomes", "mail.Outcome")
    assert (out["attempt"], out["send"]["attempt"], out["send"]["in_reply_to"]) == (2, 2, "<q-1@example.org>")
    assert out["send"]["recipients"] == ["ann@example.com", "ben@example.org"]


def test_a_stand_in_of_a_mail_that_answers_nothing_says_so(hop: Bench) -> None:
    feedback(hop, sent_event(headers={"in-reply-to": [""], "subject": ["x"]}), event("DELIVERY"))
    [out] = hop.read("outcomes", "mail.Outcome")
    assert out["send"]["in_reply_to"] is None


@pytest.mark.parametrize("reply", [bounce("Transient", "General"), answered()], ids=["bounce", "received"])
def test_an_auto_reply_to_a_known_request_says_whose_machine_answered(hop: Bench, reply: dict[str, Any]) -> None:
    sends(hop, send(request_id="r-9", attempt=3))
    feedback(hop, reply)
    assert settled(hop) == [
        {
            "request_id": "r-9",
            "kind": "AUTO_REPLIED",
            "at": reply["occurred_at"],
            "attempt": 3,
            "recipient": reply["recipients"][0]["address"],
            "message_id": "m-1",
            "recipients": [],
        }
    ]


def test_a_received_auto_reply_is_an_outcome_joined_with_the_mail_that_it_answers(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("DELIVERY"), answered())
    out = hop.read("outcomes", "mail.Outcome")[-1]
    assert (out["kind"], out["recipient"], out["reason"], out["matched"]) == (
        "AUTO_REPLIED",
        ROBOT,
        "auto-submitted",
        True,
    )
    assert out["send"]["message_id"] == out["feedback"]["message_id"] == "m-1"
    assert out["feedback"]["source"] == "shop@example.net"
    assert hop.counts["ses_auto_replies_total",] == 1


def test_a_received_auto_reply_from_nobody_is_the_sends_only_recipients(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, answered(recipients=[]))
    assert [one["recipient"] for one in settled(hop)] == ["ann@example.com"]


def test_an_auto_reply_of_several_recipients_settles_each(hop: Bench) -> None:
    sends(hop, send(recipients=["ann@example.com", "ben@example.org"]))
    feedback(hop, bounce("Undetermined", "Undetermined", recipients=[]))
    assert [one["recipient"] for one in settled(hop)] == ["ann@example.com", "ben@example.org"]


def test_an_auto_reply_that_comes_first_waits_for_its_send(hop: Bench) -> None:
    feedback(hop, answered())
    assert settled(hop) == []
    sends(hop, send(request_id="r-9"))
    assert [(one["kind"], one["request_id"]) for one in settled(hop)] == [("AUTO_REPLIED", "r-9")]


def test_an_auto_reply_by_its_shape_names_its_request_by_its_tags_where_no_send_comes(hop: Bench) -> None:
    feedback(hop, bounce("Transient", "General", tags=TAGS))
    hop.pass_time(NOON + PARK)
    assert [(one["kind"], one["request_id"], one["attempt"]) for one in settled(hop)] == [
        ("ACCEPTED", "r-9", 2),
        ("AUTO_REPLIED", "r-9", 2),
    ]
    [out] = hop.read("outcomes", "mail.Outcome")
    assert (out["matched"], out["request_id"], out["attempt"], out["latency_ms"]) == (False, "r-9", 2, None)


def test_an_auto_reply_to_a_mail_of_nobodys_request_settles_nothing(hop: Bench) -> None:
    sends(hop, send(request_id=None))
    feedback(hop, answered())
    feedback(hop, answered("m-2"))
    hop.pass_time(NOON + PARK)
    assert [out["kind"] for out in hop.read("outcomes", "mail.Outcome")] == ["AUTO_REPLIED", "AUTO_REPLIED"]
    assert settled(hop) == []


FACTS = {
    "send": ("sends", send(request_id="r-9", attempt=2, recipients=["ann@example.com"])),
    "send event": ("feedback", sent_event(destination=["ann@example.com"])),
    "delivery": ("feedback", event("DELIVERY", tags=TAGS)),
    "bounce-shaped": ("feedback", bounce("Transient", "General", tags=TAGS, occurred_at=NOON + 3_000)),
    "received": ("feedback", answered()),
}
SCHEMAS = {"sends": "mail.Send", "feedback": "mail.Feedback"}


@given(order=st.lists(st.sampled_from(sorted(FACTS)), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_in_any_order_and_with_any_repeats_the_same_is_settled(order: list[str]) -> None:
    hop = _bench()
    for name in order:
        topic, record = FACTS[name]
        hop.work(topic, [CODEC.encode(SCHEMAS[topic], record)])
    hop.pass_time(NOON + PARK)
    found = {(one["kind"], one["request_id"], one["attempt"], one["recipient"], one["at"]) for one in settled(hop)}
    replied = {found_one for found_one in found if found_one[0] == "AUTO_REPLIED"}
    named = {"send", "send event"} & set(order)
    expected = {("AUTO_REPLIED", "r-9", 2, "ann@example.com", NOON + 3_000)} if "bounce-shaped" in order else set()
    if "received" in order and named:
        expected.add(("AUTO_REPLIED", "r-9", 2, ROBOT, NOON + 9_000))
    assert replied == expected
    before = order[: order.index("send")] if "send" in order else order
    assert bool(found - replied) is bool(set(before) - {"send", "received"})

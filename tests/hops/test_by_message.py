"""Hop 1: what a message's events lead to, as an e-mail engineer would put it."""

from __future__ import annotations

from typing import Any

import pytest

from streams.decide.lifecycle import MAX_PARKED, MAX_PARKED_BYTES
from streams.hops.by_message import ByMessage
from streams.mail.outcome import OutcomeKind
from streams.state.lives import unpack_life
from tests.builders import CODEC, DAY, NOON, POLICY, Bench, bounce, event, send

PARK = POLICY.join.park


@pytest.fixture
def hop() -> Bench:
    """Return hop 1 on a workbench."""
    return Bench(ByMessage(CODEC, POLICY.join, {"sends": "ses.sends"}))


def sends(bench: Bench, *records: dict[str, Any], now: int = NOON) -> None:
    """Let sends come in one chunk."""
    bench.work("sends", [CODEC.encode("mail.Send", r) for r in records], now)


def feedback(bench: Bench, *records: dict[str, Any], now: int = NOON) -> None:
    """Let feedback come in one chunk."""
    bench.work("feedback", [CODEC.encode("mail.Feedback", r) for r in records], now)


def outcomes(bench: Bench) -> list[dict[str, Any]]:
    """Return the outcomes so far."""
    return bench.read("outcomes", "mail.Outcome")


def test_a_delivery_is_joined_with_its_send(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("DELIVERY"))
    [out] = outcomes(hop)
    assert (out["kind"], out["recipient"], out["matched"], out["certain"]) == (
        "DELIVERED",
        "ann@example.com",
        True,
        True,
    )
    assert (out["latency_ms"], out["stream"], out["request_id"]) == (2_000, "receipts", "r-m-1")
    assert out["send"] == CODEC.decode("mail.Send", CODEC.encode("mail.Send", send()))
    assert out["feedback"] == CODEC.decode("mail.Feedback", CODEC.encode("mail.Feedback", event("DELIVERY")))


def test_feedback_that_comes_first_waits_for_its_send(hop: Bench) -> None:
    feedback(hop, event("DELIVERY"))
    assert outcomes(hop) == []
    sends(hop, send(), now=NOON + PARK - 1)
    assert [o["matched"] for o in outcomes(hop)] == [True]


def test_what_waits_for_one_send_is_bounded_and_the_rest_goes_out_unmatched(hop: Bench) -> None:
    opens = [
        event("OPEN", feedback_id=f"f-{number}", occurred_at=NOON + number, raw="x" * 8_000) for number in range(400)
    ]
    for part in range(0, 400, 50):
        feedback(hop, *opens[part : part + 50])
    at_once = outcomes(hop)
    waiting = unpack_life(hop.table.values[b"m-1"]).parked
    assert len(at_once) + len(waiting) == 400
    assert {o["matched"] for o in at_once} == {False}
    assert MAX_PARKED_BYTES // 2 < sum(len(parked.record) for parked in waiting) <= MAX_PARKED_BYTES
    assert hop.counts["ses_unmatched_feedback_total",] == len(at_once)
    sends(hop, send(), now=NOON + 1)
    assert sorted(o["occurred_at"] for o in outcomes(hop)) == [NOON + number for number in range(400)]
    assert sum(o["matched"] for o in outcomes(hop)) == len(waiting)


def test_no_more_events_than_a_few_hundred_wait_for_one_send_however_small(hop: Bench) -> None:
    feedback(hop, *(event("OPEN", feedback_id=f"f-{number}", occurred_at=NOON + number) for number in range(300)))
    assert len(unpack_life(hop.table.values[b"m-1"]).parked) == MAX_PARKED == 300 - len(outcomes(hop))


def test_feedback_that_has_waited_long_enough_goes_out_unmatched(hop: Bench) -> None:
    feedback(hop, event("DELIVERY", tags={"stream": ["alerts"]}))
    hop.pass_time(NOON + PARK - 1)
    assert outcomes(hop) == []
    hop.pass_time(NOON + PARK)
    [out] = outcomes(hop)
    assert (out["matched"], out["send"], out["latency_ms"], out["stream"]) == (False, None, None, "alerts")
    assert hop.counts["ses_unmatched_feedback_total",] == 1


def test_a_send_that_comes_too_late_says_nothing_again(hop: Bench) -> None:
    feedback(hop, event("DELIVERY"))
    hop.pass_time(NOON + PARK)
    sends(hop, send(), now=NOON + PARK + 1)
    assert [o["matched"] for o in outcomes(hop)] == [False]


def test_the_same_event_again_is_a_duplicate(hop: Bench) -> None:
    sends(hop, send(), send())
    feedback(hop, event("DELIVERY"), event("DELIVERY"))
    feedback(hop, event("DELIVERY"))
    assert len(outcomes(hop)) == 1
    assert hop.counts["ses_duplicates_total", "feedback"] == 2
    assert hop.counts["ses_duplicates_total", "sends"] == 1


def test_a_bounce_and_a_complaint_that_bear_the_same_id_are_two_events(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("BOUNCE", feedback_id="f", bounce_type="Permanent"), event("COMPLAINT", feedback_id="f"))
    assert [o["kind"] for o in outcomes(hop)] == ["HARD_BOUNCED", "COMPLAINED"]


def test_an_event_without_an_id_is_known_by_what_it_says(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, *(event("OPEN", feedback_id="", occurred_at=NOON + at) for at in (1, 1, 2)))
    assert len({o["outcome_id"] for o in outcomes(hop)}) == len(outcomes(hop)) == 2


def test_one_event_a_recipient_and_one_event_for_all_are_the_same(hop: Bench) -> None:
    sends(hop, send(recipients=["ann@example.com", "ben@example.org"]))
    feedback(hop, event("DELIVERY", "m-1", "ann@example.com"))
    feedback(hop, event("DELIVERY", "m-1", "ann@example.com", "ben@example.org"))
    assert [o["recipient"] for o in outcomes(hop)] == ["ann@example.com", "ben@example.org"]


def test_ses_own_send_event_stands_in_for_a_missing_send(hop: Bench) -> None:
    said = event("SEND", occurred_at=NOON, destination=["ann@example.com"], source="shop@example.net")
    said["tags"] = {"stream": ["alerts"], "request_id": ["r-9"], "ses:configuration-set": ["prod"]}
    feedback(hop, said, event("DELIVERY"))
    [out] = outcomes(hop)
    assert (out["matched"], out["stream"], out["request_id"], out["latency_ms"]) == (True, "alerts", "r-9", 2_000)
    assert out["send"]["configuration_set"] == "prod"


def test_a_stand_in_lets_go_what_waited_and_gives_way_to_the_real_send(hop: Bench) -> None:
    feedback(hop, event("DELIVERY"), event("SEND", occurred_at=NOON))
    sends(hop, send())
    feedback(hop, event("OPEN", occurred_at=NOON + 9_000))
    assert [(o["kind"], o["send"]["via"], o["stream"]) for o in outcomes(hop)] == [
        ("DELIVERED", "UPSTREAM", ""),
        ("OPENED", "API", "receipts"),
    ]
    assert hop.counts["ses_sends_total", "", "UPSTREAM"] == 1
    assert ("ses_sends_total", "receipts", "API") not in hop.counts  # one mail is counted once


def test_a_send_event_alone_has_no_outcome(hop: Bench) -> None:
    feedback(hop, event("SEND"))
    hop.pass_time(NOON + PARK)
    assert outcomes(hop) == []


def test_a_complaint_with_several_possible_complainers_is_uncertain_of_each(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("COMPLAINT", "m-1", "ann@example.com", "ben@example.com", complaint_type="abuse"))
    assert [(o["kind"], o["certain"], o["reason"]) for o in outcomes(hop)] == [("COMPLAINED", False, "abuse")] * 2


def test_not_spam_is_no_complaint(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("COMPLAINT", complaint_type="not-spam"))
    assert [o["kind"] for o in outcomes(hop)] == ["NOT_SPAM"]


def test_an_auto_reply_that_names_nobody_is_the_sends_only_recipients(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, bounce("Undetermined", "Undetermined", recipients=[]))
    assert [(o["kind"], o["recipient"], o["certain"]) for o in outcomes(hop)] == [
        ("AUTO_REPLIED", "ann@example.com", True)
    ]
    assert hop.counts["ses_auto_replies_total",] == 1


def test_an_event_about_nobody_known_still_has_an_outcome(hop: Bench) -> None:
    feedback(hop, bounce("Undetermined", "Undetermined", recipients=[]))
    hop.pass_time(NOON + PARK)
    assert [(o["kind"], o["recipient"]) for o in outcomes(hop)] == [("AUTO_REPLIED", "")]


def test_a_refused_mail_is_rejected_for_every_recipient(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("REJECT", "m-1", "ann@example.com", "ben@example.org", reason="Bad content"))
    assert [(o["kind"], o["certain"], o["reason"]) for o in outcomes(hop)] == [("REJECTED", True, "Bad content")] * 2


def test_bounces_of_mails_that_ses_did_not_send_are_counted_apart(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, bounce("Permanent", "OnAccountSuppressionList"), bounce("Permanent", "Suppressed", occurred_at=NOON))
    assert hop.counts["ses_listed_bounces_total", "receipts"] == 1


def test_addresses_and_ids_of_upstream_services_come_into_normal_form(hop: Bench) -> None:
    sends(hop, send("<m-1@eu-west-1.amazonses.com>"))
    feedback(hop, event("DELIVERY", "m-1", "Ann <Ann@Example.com>"))
    [out] = outcomes(hop)
    assert (out["matched"], out["recipient"], out["written"]) == (True, "ann@example.com", "Ann <Ann@Example.com>")


@pytest.mark.parametrize(
    ("kinds", "reached"),
    [
        (["DELIVERY", "SOFT"], OutcomeKind.DELIVERED),
        (["DELIVERY", "AUTO"], OutcomeKind.DELIVERED),
        (["DELIVERY", "HARD"], OutcomeKind.HARD_BOUNCED),
        (["HARD", "DELIVERY"], OutcomeKind.HARD_BOUNCED),
        (["DELAY", "DELIVERY"], OutcomeKind.DELIVERED),
        (["DELIVERY", "DELAY"], OutcomeKind.DELIVERED),
        (["SOFT", "DELIVERY"], OutcomeKind.DELIVERED),
        (["DELIVERY", "OPEN", "COMPLAINT"], OutcomeKind.COMPLAINED),
    ],
)
def test_the_furthest_point_that_a_mail_reached(hop: Bench, kinds: list[str], reached: OutcomeKind) -> None:
    said = {
        "DELIVERY": event("DELIVERY"),
        "DELAY": event("DELIVERY_DELAY"),
        "SOFT": bounce("Transient", "MailboxFull", "4.2.2", occurred_at=NOON + 9_000),
        "HARD": bounce("Permanent", "General", "5.1.1", occurred_at=NOON + 9_000),
        "AUTO": bounce("Transient", "General", occurred_at=NOON + 9_000),
        "OPEN": event("OPEN"),
        "COMPLAINT": event("COMPLAINT"),
    }
    sends(hop, send())
    feedback(hop, *(said[kind] for kind in kinds))
    assert unpack_life(hop.table.values[b"m-1"]).reached["ann@example.com"].kind == reached


def test_a_send_without_an_answer_is_counted_once_after_three_days(hop: Bench) -> None:
    sends(hop, send())
    hop.pass_time(NOON + 3 * DAY - 1)
    assert ("ses_unanswered_sends_total", "receipts") not in hop.counts
    hop.pass_time(NOON + 13 * DAY)
    assert hop.counts["ses_unanswered_sends_total", "receipts"] == 1


def test_a_send_with_an_answer_is_not_counted(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("DELIVERY"))
    hop.pass_time(NOON + 13 * DAY)
    assert ("ses_unanswered_sends_total", "receipts") not in hop.counts


def test_a_message_is_forgotten_fourteen_days_after_its_last_event(hop: Bench) -> None:
    sends(hop, send())
    feedback(hop, event("OPEN"), now=NOON + 10 * DAY)
    hop.pass_time(NOON + 24 * DAY - 1)
    assert b"m-1" in hop.table.values
    hop.pass_time(NOON + 24 * DAY)
    assert hop.table.values == {}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "NO_VALUE"),
        (b"", "BAD_MAGIC"),
        (b"{}", "BAD_MAGIC"),
        (b"\0\0\0\x7f\xff12", "UNKNOWN_SCHEMA"),
        (CODEC.header("mail.Feedback") + b"\x04", "NOT_AVRO"),
        (CODEC.encode("mail.Feedback", event("DELIVERY", "")), "NO_MESSAGE_ID"),
        (CODEC.encode("mail.Feedback", event("DELIVERY", occurred_at=1 << 60)), "BAD_TIME"),
    ],
)
def test_what_cannot_be_read_is_set_aside_and_its_neighbours_go_on(
    hop: Bench, value: bytes | None, reason: str
) -> None:
    sends(hop, send())
    hop.work("feedback", [value, CODEC.encode("mail.Feedback", event("DELIVERY"))])
    [letter] = hop.read("dead-letters", "mail.DeadLetter")
    assert (letter["reason"], letter["stage"], letter["value"], letter["offset"]) == (reason, "BY_MESSAGE", value, 0)
    assert letter["topic"] == "feedback"
    assert len(outcomes(hop)) == 1
    assert hop.counts["ses_dead_letters_total", "BY_MESSAGE", reason] == 1

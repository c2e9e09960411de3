"""Hop 2: outcomes in, suppressions and releases out."""

from __future__ import annotations

from typing import Any

import pytest

from streams.hops.by_recipient import ByRecipient
from tests.builders import CODEC, DAY, HOUR, NOON, POLICY, Bench, outcome


@pytest.fixture
def hop() -> Bench:
    """Return hop 2 on a workbench."""
    return Bench(ByRecipient(CODEC, POLICY))


def tell(bench: Bench, *outcomes: Any, now: int = NOON) -> None:
    """Let outcomes come in one chunk."""
    bench.work("outcomes", [CODEC.encode("mail.Outcome", o) for o in outcomes], now)


def said(bench: Bench) -> list[tuple[str, str, int | None] | None]:
    """Return what was said: recipient, reason and until; None for a release."""
    records = [None if v is None else CODEC.decode("mail.Suppression", v) for _, _, v in bench.emitted]
    return [None if r is None else (r["recipient"], r["reason"], r["until"]) for r in records]


def test_a_hard_bounce_suppresses_under_the_recipients_key(hop: Bench) -> None:
    tell(hop, outcome("HARD_BOUNCED"))
    assert said(hop) == [("ann@example.com", "HARD_BOUNCE", None)]
    assert hop.emitted[0][1] == b"ann@example.com"
    assert hop.counts["ses_suppressions", "HARD_BOUNCE"] == 1


def test_the_same_outcome_again_says_nothing(hop: Bench) -> None:
    tell(hop, outcome("HARD_BOUNCED"), outcome("HARD_BOUNCED"))
    tell(hop, outcome("HARD_BOUNCED"))
    assert len(said(hop)) == 1


def test_an_outcome_without_an_id_is_known_by_what_it_says(hop: Bench) -> None:
    for at in (1, 1, 2):
        tell(hop, outcome("HARD_BOUNCED", NOON + at, outcome_id=""))
    assert len(said(hop)) == 2


def test_what_a_shorter_chunk_may_have_said_before_a_crash_is_taken_back() -> None:
    complaint, not_spam = outcome("COMPLAINED", NOON, "m-1"), outcome("NOT_SPAM", NOON + 1, "m-1")
    died = Bench(ByRecipient(CODEC, POLICY))
    tell(died, complaint)  # published, and then the worker died: nothing of it is remembered
    assert said(died) == [("ann@example.com", "COMPLAINT", None)]
    heir = Bench(ByRecipient(CODEC, POLICY))
    tell(heir, complaint, not_spam)
    assert said(heir) == [None]


def test_what_a_shorter_chunk_may_have_taken_back_before_a_crash_is_said_again(hop: Bench) -> None:
    tell(hop, outcome("COMPLAINED", NOON, "m-1"))
    suppressed = said(hop)
    tell(hop, outcome("NOT_SPAM", NOON + 1, "m-1"), outcome("HARD_BOUNCED", NOON + 2, "m-2"))
    assert len(said(hop)) == len(suppressed) + 1
    assert said(hop)[-1] == ("ann@example.com", "HARD_BOUNCE", None)


def test_two_facts_that_say_nothing_are_not_taken_back(hop: Bench) -> None:
    tell(hop, outcome("DELIVERED"), outcome("OPENED", NOON + 1), outcome("DELAYED", NOON + 2))
    assert said(hop) == []


def test_more_evidence_is_said(hop: Bench) -> None:
    tell(hop, outcome("HARD_BOUNCED", NOON, "m-1"))
    tell(hop, outcome("HARD_BOUNCED", NOON + 1, "m-2"))
    assert len(said(hop)) == 2
    assert hop.counts["ses_suppressions", "HARD_BOUNCE"] == 1


def test_a_pause_that_is_over_is_released(hop: Bench) -> None:
    tell(hop, outcome("COMPLAINED", NOON, certain=False))
    hop.pass_time(NOON + 30 * DAY - 1)
    assert said(hop) == [("ann@example.com", "SUSPECTED_COMPLAINT", NOON + 30 * DAY)]
    hop.pass_time(NOON + 30 * DAY)
    assert said(hop)[1:] == [None]
    assert hop.counts["ses_suppressions", "SUSPECTED_COMPLAINT"] == 0


def test_a_pause_that_is_long_over_is_not_even_said(hop: Bench) -> None:
    tell(hop, outcome("COMPLAINED", NOON - 40 * DAY, certain=False))
    assert said(hop) == []


def test_a_delivery_releases_a_pause_for_soft_bounces(hop: Bench) -> None:
    now = NOON + 90 * HOUR
    tell(hop, *(outcome("SOFT_BOUNCED", NOON + n * 20 * HOUR, f"m-{n}") for n in range(5)), now=now)
    tell(hop, outcome("DELIVERED", NOON + 85 * HOUR, "m-9"), now=now)
    assert said(hop) == [("ann@example.com", "SOFT_BOUNCES", NOON + (80 + 30 * 24) * HOUR), None]


def test_a_delivery_heard_before_older_soft_bounces_counts_all_the_same(hop: Bench) -> None:
    now = NOON + 90 * HOUR
    tell(hop, outcome("DELIVERED", NOON + 85 * HOUR, "m-9"), now=now)
    tell(hop, *(outcome("SOFT_BOUNCED", NOON + n * 20 * HOUR, f"m-{n}") for n in range(5)), now=now)
    assert said(hop) == []


def test_recipients_are_compared_in_normal_form(hop: Bench) -> None:
    tell(hop, outcome("HARD_BOUNCED", recipient="Ann <ANN@example.com>"))
    [value] = [v for _, _, v in hop.emitted]
    record = CODEC.decode("mail.Suppression", value or b"")
    assert (record["recipient"], record["written"]) == ("ann@example.com", "Ann <ANN@example.com>")


def test_an_outcome_for_nobody_known_suppresses_nobody(hop: Bench) -> None:
    tell(hop, outcome("HARD_BOUNCED", recipient=""), outcome("DELIVERED", recipient=""))
    assert (said(hop), hop.table.values) == ([], {})


def test_outcomes_that_say_nothing_about_a_person_leave_no_trace(hop: Bench) -> None:
    kinds = ("DELAYED", "OPENED", "CLICKED", "REJECTED", "RENDERING_FAILED", "EXPIRED", "UNKNOWN")
    from_dispatch = ("FAILED", "SUPPRESSED", "LOOPING", "EXPIRED")
    tell(hop, *(outcome(kind, request_id="r-1") for kind in (*kinds, *from_dispatch)))
    assert hop.table.values == {}


def test_a_recipient_without_marks_is_forgotten_and_a_suppressed_one_is_not(hop: Bench) -> None:
    tell(hop, outcome("DELIVERED"), outcome("HARD_BOUNCED", recipient="ben@example.org"))
    hop.pass_time(NOON + 90 * DAY - 1)
    assert set(hop.table.values) == {b"ann@example.com", b"ben@example.org"}
    hop.pass_time(NOON + 400 * DAY)
    assert set(hop.table.values) == {b"ben@example.org"}


def test_what_cannot_be_read_is_set_aside_and_its_neighbours_go_on(hop: Bench) -> None:
    hop.work("outcomes", [b"\1oops", CODEC.encode("mail.Outcome", outcome("HARD_BOUNCED"))])
    [letter] = hop.read("dead-letters", "mail.DeadLetter")
    assert (letter["reason"], letter["stage"], letter["value"]) == ("BAD_MAGIC", "BY_RECIPIENT", b"\1oops")
    assert len(hop.read("suppressions", "mail.Suppression")) == 1


def test_a_census_of_what_is_stored_finds_what_was_announced(hop: Bench) -> None:
    people = [f"{name}@example.com" for name in ("ann", "ben", "cleo", "dan")]
    kinds = ("HARD_BOUNCED", "HARD_BOUNCED", "COMPLAINED", "DELIVERED")
    tell(hop, *(outcome(kind, recipient=person) for kind, person in zip(kinds, people, strict=True)))
    found = hop.hop.census(list(hop.table.values.values()))
    assert found == {key: count for key, count in hop.counts.items() if key[0] == "ses_suppressions"}
    assert found == {("ses_suppressions", "HARD_BOUNCE"): 2, ("ses_suppressions", "COMPLAINT"): 1}

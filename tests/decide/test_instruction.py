"""What follows from an operator's word, whatever was heard before it and whatever comes after it."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from streams.decide.instruction import MAX_ORDERS, MAX_RELEASES, obey
from streams.decide.marks import weigh
from streams.decide.suppression import bars, judge, next_change
from streams.mail.standing import Standing
from streams.mail.suppression import Suppression, SuppressionReason
from tests.builders import DAY, HOUR, NOON, POLICY, instruction, outcome

BLANK = {"why": "", "reason": "MANUAL", "scope": "*", "until": None, "request_id": None, "written": None}


def told(*facts: Any) -> Standing:
    """Return how Ann stands after instructions and outcomes."""
    standing = Standing(NOON)
    for fact in facts:
        if "action" in fact:
            word: Any = {**BLANK, **fact}
            standing = obey(standing, word, NOON)
        else:
            standing = weigh(standing, fact, bytes.fromhex(fact["outcome_id"])[:8], NOON)
    return standing


def judged(*facts: Any, now: int = NOON + DAY) -> Suppression | None:
    """Return what is to be said of Ann."""
    return judge("ann@example.com", told(*facts), POLICY.suppression, now)


def said(*facts: Any, now: int = NOON + DAY) -> tuple[str, str, tuple[str, ...], int | None, str] | None:
    """Return reason, scope, streams, until and who."""
    found = judged(*facts, now=now)
    return None if found is None else (found.reason, found.scope, found.streams, found.until, found.by)


def suppress(at: int = NOON, **fields: Any) -> dict[str, Any]:
    """Return a word that nobody writes to Ann."""
    return instruction("SUPPRESS", at, **fields)


def release(at: int = NOON + HOUR, **fields: Any) -> dict[str, Any]:
    """Return a word that settles what was."""
    return instruction("RELEASE", at, **fields)


def test_an_operator_suppresses_with_a_reason_and_a_name() -> None:
    found = judged(suppress(reason="COMPLAINT", written="Ann@example.com"))
    assert found is not None
    assert (found.reason, found.scope, found.since, found.until) == (SuppressionReason.COMPLAINT, "*", NOON, None)
    assert (found.by, found.evidence, found.written) == ("Ines", (), "Ann@example.com")


def test_for_a_time_is_for_a_time() -> None:
    word = suppress(until=NOON + 2 * DAY)
    assert said(word) == ("MANUAL", "*", (), NOON + 2 * DAY, "Ines")
    assert said(word, now=NOON + 2 * DAY) is None


def test_single_streams_are_closed_one_by_one_beside_those_that_were_left() -> None:
    news, offers = suppress(scope="news"), suppress(NOON + 1, scope="offers", until=NOON + 3 * DAY)
    assert said(news) == ("MANUAL", "news", ("news",), None, "Ines")
    assert said(news, offers) == ("MANUAL", "news", ("news", "offers"), None, "Ines")
    assert said(offers) == ("MANUAL", "offers", ("offers",), NOON + 3 * DAY, "Ines")
    left = outcome("UNSUBSCRIBED", NOON, stream="digest")
    assert said(offers, left) == ("UNSUBSCRIBED", "digest", ("digest", "offers"), None, "ses-streams")
    assert said(offers, left, now=NOON + 3 * DAY) == ("UNSUBSCRIBED", "digest", ("digest",), None, "ses-streams")


def test_what_is_said_changes_when_the_first_order_ends() -> None:
    facts = suppress(scope="offers", until=NOON + 3 * DAY), outcome("UNSUBSCRIBED", NOON, stream="digest")
    assert next_change(told(*facts), judged(*facts), NOON) == NOON + 3 * DAY
    assert next_change(told(*facts), None, NOON + 3 * DAY) is None


def test_an_operators_word_outlasts_what_is_for_a_time_and_yields_to_what_is_for_good() -> None:
    suspicion = outcome("COMPLAINED", NOON, certain=False)
    assert (said(suppress(), suspicion) or ("",))[0] == "MANUAL"
    assert (said(suppress(), outcome("HARD_BOUNCED", NOON)) or ("",))[0] == "HARD_BOUNCE"


def test_a_later_word_for_the_same_scope_and_reason_holds() -> None:
    both = suppress(NOON), suppress(NOON + HOUR, until=NOON + 2 * DAY)
    for order in permutations(both):
        assert said(*order) == ("MANUAL", "*", (), NOON + 2 * DAY, "Ines")


def test_a_release_settles_everything_up_to_its_time_in_any_order() -> None:
    facts = [
        outcome("HARD_BOUNCED", NOON),
        outcome("COMPLAINED", NOON + HOUR),
        outcome("UNSUBSCRIBED", NOON, stream="digest"),
        suppress(NOON),
        release(NOON + HOUR),
    ]
    for order in permutations(facts):
        assert said(*order) is None


def test_what_happens_after_a_release_counts_again() -> None:
    later = outcome("HARD_BOUNCED", NOON + HOUR + 1)
    assert (said(later, release()) or ("",))[0] == "HARD_BOUNCE"
    assert said(suppress(NOON + 2 * HOUR), release()) == ("MANUAL", "*", (), None, "Ines")


def test_a_release_of_one_stream_opens_that_stream_only() -> None:
    facts = [
        outcome("UNSUBSCRIBED", NOON, "m-1", stream="digest"),
        outcome("UNSUBSCRIBED", NOON, "m-2", stream="offers"),
        suppress(scope="news"),
        release(scope="digest"),
        release(scope="news"),
    ]
    for order in permutations(facts):
        assert (said(*order) or ("",))[1:3] == ("offers", ("offers",))
    assert (said(outcome("HARD_BOUNCED", NOON), release(scope="digest")) or ("",))[0] == "HARD_BOUNCE"


def test_the_same_word_twice_is_once_and_an_unknown_word_changes_nothing() -> None:
    for word in (suppress(), release(), instruction("CLEAR_LOOP"), instruction("CANCEL_RETRY")):
        assert told(word, word) == told(word)
    assert told(instruction("TELEPORT")) == Standing(NOON)


def test_an_older_word_heard_later_takes_nothing_back() -> None:
    for action in ("RELEASE", "CLEAR_LOOP", "CANCEL_RETRY"):
        old, new = instruction(action, NOON), instruction(action, NOON + HOUR)
        assert told(old, new) == told(new, old) == told(new)
        assert told(new) != told(old)


def test_what_is_kept_is_bounded_to_the_latest() -> None:
    orders = told(*(suppress(NOON + n, scope=f"s-{n}") for n in range(MAX_ORDERS + 5))).orders
    assert [o.scope for o in orders] == [f"s-{n}" for n in range(5, MAX_ORDERS + 5)]
    releases = told(*(release(NOON + n, scope=f"s-{n}") for n in range(MAX_RELEASES + 5))).releases
    assert [r.scope for r in releases] == [f"s-{n}" for n in range(5, MAX_RELEASES + 5)]


def test_a_suppression_bars_its_streams_or_all() -> None:
    assert bars(judged(suppress()), "receipts")
    assert bars(judged(suppress(scope="news")), "news")
    assert not bars(judged(suppress(scope="news")), "receipts")
    assert not bars(None, "receipts")

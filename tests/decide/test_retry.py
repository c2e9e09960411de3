"""When a mail is sent again: which outcomes lead to a retry, when it falls due, and what rules it out."""

from __future__ import annotations

import pytest

from streams.decide.marks import weigh
from streams.decide.retry import MAX_SPENT, MAX_WAITS, consider, due_at, exhausts, label_of
from streams.mail.policy import RetryPolicy
from streams.mail.records import OutcomeRecord
from streams.mail.retry import FOR_EVER
from streams.mail.standing import Standing
from tests.builders import DAY, HOUR, NOON, POLICY, of, outcome, soft

STEADY = RetryPolicy(jitter=0)


def after(*outcomes: OutcomeRecord, policy: RetryPolicy = STEADY) -> Standing:
    """Return how Ann stands after these outcomes."""
    standing = Standing(NOON)
    for one in outcomes:
        standing = weigh(standing, one, bytes.fromhex(one["outcome_id"])[:8], NOON)
        standing = consider(standing, one, policy)
    return standing


def planned(*outcomes: OutcomeRecord) -> list[tuple[str, int, int]]:
    """Return the retries that are planned: request, attempt, and hours until it is due."""
    return [(w.request_id, w.attempt, (w.due_at - NOON) // HOUR) for w in after(*outcomes).waits]


@pytest.mark.parametrize("subtype", ["General", "MAILBOXFULL", "mailboxfull", "Undetermined"])
def test_a_soft_bounce_that_may_pass_is_sent_again(subtype: str) -> None:
    [wait] = after(soft("r-1", subtype=subtype)).waits
    assert (wait.request_id, wait.attempt, wait.message_id) == ("r-1", 2, "m-r-1-1")
    assert wait.because.lower().endswith(f"/{subtype.lower()}")
    assert wait.because.startswith("SOFT_BOUNCED ")


@pytest.mark.parametrize(
    "subtype", ["MessageTooLarge", "ContentRejected", "AttachmentRejected", "CustomTimeoutExceeded", "", "Teleported"]
)
def test_a_soft_bounce_that_would_end_the_same_way_is_not_sent_again(subtype: str) -> None:
    assert planned(soft("r-1", subtype=subtype)) == []


@pytest.mark.parametrize(
    "kind", ["AUTO_REPLIED", "HARD_BOUNCED", "COMPLAINED", "DELAYED", "DELIVERED", "REJECTED", "EXPIRED", "LOOPING"]
)
def test_no_other_outcome_is_sent_again(kind: str) -> None:
    assert planned(of(kind, "r-1", reason="Transient/General")) == []


@pytest.mark.parametrize("reason", ["TooManyRequestsException", "SendingPausedException", "timeout", "454", "451"])
def test_a_refusal_that_may_pass_is_sent_again(reason: str) -> None:
    [wait] = after(of("FAILED", "r-1", 1, NOON, reason=reason, message_id=None)).waits
    assert (wait.because, wait.due_at - NOON, wait.message_id) == (f"FAILED {reason}", 2 * HOUR, None)


@pytest.mark.parametrize("reason", ["MessageRejected", "BadRequestException", "552", "tooManyRecipients"])
def test_a_refusal_for_good_is_not_sent_again(reason: str) -> None:
    assert planned(of("FAILED", "r-1", 1, NOON, reason=reason)) == []


def test_a_guess_or_a_mail_without_a_request_is_not_sent_again() -> None:
    assert planned(soft("r-1", certain=False)) == []
    assert planned(outcome("SOFT_BOUNCED", NOON, "m-1", reason="Transient/General")) == []
    assert planned(soft("")) == []


def test_two_eight_and_thirty_two_hours_then_no_more() -> None:
    for attempt, hours in ((1, 2), (2, 8), (3, 32)):
        assert planned(soft("r-1", attempt)) == [("r-1", attempt + 1, hours)]
    assert planned(soft("r-1", 4)) == []


def test_a_full_mailbox_is_asked_after_a_day_at_the_earliest() -> None:
    for attempt, hours in ((1, 24), (2, 24), (3, 32)):
        assert planned(soft("r-1", attempt, subtype="MailboxFull")) == [("r-1", attempt + 1, hours)]


def test_retries_are_spread_by_a_fifth_and_each_always_alike() -> None:
    dues = [due_at(f"r-{n}", 1, NOON, "General", POLICY.retry) - NOON for n in range(400)]
    assert min(dues) >= 1.6 * HOUR
    assert max(dues) <= 2.4 * HOUR
    assert max(dues) - min(dues) > 0.7 * HOUR
    assert dues == [due_at(f"r-{n}", 1, NOON, "General", POLICY.retry) - NOON for n in range(400)]
    assert due_at("r-1", 2, NOON, "General", POLICY.retry) - NOON != 4 * dues[1]


def test_a_policy_of_no_retries_plans_none() -> None:
    assert after(soft("r-1"), policy=RetryPolicy(most=0)).waits == ()


def test_the_same_bounce_twice_is_one_retry() -> None:
    assert planned(soft("r-1"), soft("r-1")) == planned(soft("r-1"))


def test_an_older_attempt_changes_nothing_even_where_it_bounced_later() -> None:
    for at in (NOON, NOON + HOUR):
        told = soft("r-1", 2), soft("r-1", 1, at)
        assert planned(*told) == planned(*reversed(told)) == [("r-1", 3, 8)]


def test_a_request_that_is_exhausted_is_said_so_once() -> None:
    last = soft("r-1", 4)
    assert exhausts(after(), last, STEADY)
    assert not exhausts(after(last), last, STEADY)
    assert not exhausts(after(), soft("r-1", 3), STEADY)
    assert not exhausts(after(), soft("r-1", 4, subtype="ContentRejected"), STEADY)


def test_a_delivery_of_another_mail_says_nothing_about_a_mail_that_ses_refused() -> None:
    refused, delivery = (
        of("FAILED", "r-1", 1, NOON, reason="timeout", message_id=None),
        outcome("DELIVERED", NOON + 1, "m-9"),
    )
    for told in ([refused, delivery], [delivery, refused]):
        assert planned(*told) == [("r-1", 2, 2)]


def test_a_delivery_after_the_bounce_ends_the_wait_and_one_before_it_does_not() -> None:
    delivery = outcome("DELIVERED", NOON + 1, "m-9")
    for told in ([soft("r-1"), delivery], [delivery, soft("r-1")]):
        assert planned(*told) == []
    earlier = outcome("DELIVERED", NOON - 1, "m-9")
    for told in ([soft("r-1"), earlier], [earlier, soft("r-1")]):
        assert planned(*told) == [("r-1", 2, 2)]


def test_a_mail_that_got_an_auto_reply_is_not_sent_again_by_anything_ever() -> None:
    """The seed's rule: a program must not retry messages that generate an auto response."""
    replies = [
        of("AUTO_REPLIED", "r-1", 1, NOON - DAY),
        of("AUTO_REPLIED", "r-1", 3, NOON + DAY, message_id="m-other"),
        outcome("AUTO_REPLIED", NOON + 1, "m-r-1-1"),
        outcome("AUTO_REPLIED", NOON + 1, "m-r-1-1", certain=False),
    ]
    causes = [soft("r-1"), of("FAILED", "r-1", 1, NOON, reason="timeout")]
    for answered in replies:
        for cause in causes:
            for told in ([cause, answered], [answered, cause], [cause, answered, cause]):
                assert planned(*told) == [], (answered, cause)


def test_an_auto_reply_to_one_mail_lets_another_go() -> None:
    assert planned(soft("r-1"), of("AUTO_REPLIED", "r-2")) == [("r-1", 2, 2)]


@pytest.mark.parametrize("kind", ["EXPIRED", "SUPPRESSED", "LOOPING", "REJECTED", "HARD_BOUNCED"])
def test_an_attempt_that_has_ended_is_not_planned_any_more(kind: str) -> None:
    end = of(kind, "r-1", 2, certain=False)
    assert planned(soft("r-1"), end) == planned(end, soft("r-1")) == []


def test_what_is_kept_is_bounded_and_keeps_what_bounced_first() -> None:
    many = after(*(soft(f"r-{n}", at=NOON + n) for n in range(MAX_WAITS + 9)))
    assert [w.request_id for w in many.waits] == [f"r-{n}" for n in range(MAX_WAITS)]
    answered = after(*(outcome("AUTO_REPLIED", NOON + n, f"m-{n}") for n in range(MAX_SPENT + 9)))
    assert len(answered.spent) == MAX_SPENT
    assert {one.attempt for one in answered.spent} == {FOR_EVER}


def test_no_number_in_a_record_is_too_large() -> None:
    assert planned(soft("r-1", (1 << 31) - 1)) == []
    assert planned(soft("r-1", -5)) == [("r-1", 2, 2)]
    wild = RetryPolicy(first=30 * DAY, factor=100, most=20)
    assert due_at("r-1", 20, NOON, "General", wild) == 253_402_300_799_999


def test_why_a_mail_is_sent_again_is_one_of_four_words() -> None:
    assert label_of("SOFT_BOUNCED Transient/mailboxfull") == "MailboxFull"
    assert label_of("SOFT_BOUNCED Undetermined/Undetermined") == "Undetermined"
    assert label_of("FAILED TooManyRequestsException") == "refused"

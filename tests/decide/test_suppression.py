"""Whether we may write to somebody: each reason, its beginning, its end, and what undoes it."""

from __future__ import annotations

from itertools import pairwise

from streams.decide.marks import weigh
from streams.decide.suppression import judge
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord
from streams.mail.standing import Standing
from streams.mail.suppression import Suppression, SuppressionReason
from tests.builders import DAY, HOUR, NOON, POLICY, outcome

Reason = SuppressionReason


def standing_after(*outcomes: OutcomeRecord) -> Standing:
    """Return how Ann stands after these outcomes."""
    standing = Standing(NOON)
    for one in outcomes:
        standing = weigh(standing, one, bytes.fromhex(one["outcome_id"])[:8], NOON)
    return standing


def judged(*outcomes: OutcomeRecord, now: int = NOON + DAY) -> Suppression | None:
    """Return what is to be said of Ann at *now*."""
    return judge("ann@example.com", standing_after(*outcomes), POLICY.suppression, now)


def said(*outcomes: OutcomeRecord, now: int = NOON + DAY) -> tuple[Reason, str, int, int | None] | None:
    """Return reason, scope, since and until."""
    found = judged(*outcomes, now=now)
    return None if found is None else (found.reason, found.scope, found.since, found.until)


def softs(*hours: int) -> list[OutcomeRecord]:
    """Return soft bounces of different mails, so many hours after noon."""
    return [outcome("SOFT_BOUNCED", NOON + h * HOUR, f"m-{h}", reason="Transient/General") for h in hours]


def test_a_hard_bounce_is_for_good_and_names_its_evidence() -> None:
    found = judged(outcome("HARD_BOUNCED", NOON, "m-7", reason="Permanent/General", status="5.1.1"))
    assert found is not None
    assert (found.reason, found.scope, found.since, found.until) == (Reason.HARD_BOUNCE, "*", NOON, None)
    assert [(e.message_id, e.kind, e.status, e.at) for e in found.evidence] == [
        ("m-7", OutcomeKind.HARD_BOUNCED, "5.1.1", NOON)
    ]


def test_a_later_delivery_does_not_undo_a_hard_bounce() -> None:
    assert said(outcome("HARD_BOUNCED", NOON), outcome("DELIVERED", NOON + HOUR)) == (
        Reason.HARD_BOUNCE,
        "*",
        NOON,
        None,
    )


def test_a_guessed_hard_bounce_silences_nobody() -> None:
    assert said(outcome("HARD_BOUNCED", NOON, certain=False)) is None


def test_on_a_list_of_ses_is_said_as_such() -> None:
    for subtype in ("Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"):
        assert said(outcome("HARD_BOUNCED", NOON, reason=f"Permanent/{subtype}")) == (Reason.SES_LIST, "*", NOON, None)
    assert said(outcome("COMPLAINED", NOON, reason="OnAccountSuppressionList")) == (Reason.SES_LIST, "*", NOON, None)


def test_a_mailbox_that_is_gone_outweighs_ses_list() -> None:
    both = outcome("HARD_BOUNCED", NOON, "m-1", reason="Permanent/Suppressed"), outcome("HARD_BOUNCED", NOON + 1, "m-2")
    assert said(*both) == (Reason.HARD_BOUNCE, "*", NOON + 1, None)


def test_a_certain_complaint_is_for_good_and_outweighs_all() -> None:
    assert said(outcome("HARD_BOUNCED", NOON), outcome("COMPLAINED", NOON + 1, reason="abuse")) == (
        Reason.COMPLAINT,
        "*",
        NOON + 1,
        None,
    )


def test_a_possible_complainer_is_left_alone_for_thirty_days() -> None:
    suspicion = outcome("COMPLAINED", NOON, certain=False)
    assert said(suspicion) == (Reason.SUSPECTED_COMPLAINT, "*", NOON, NOON + 30 * DAY)
    assert said(suspicion, now=NOON + 30 * DAY) is None


def test_a_second_suspicion_from_another_message_is_for_good() -> None:
    two = [outcome("COMPLAINED", NOON + n * 40 * DAY, f"m-{n}", certain=False) for n in range(2)]
    assert said(*two) == (Reason.SUSPECTED_COMPLAINT, "*", NOON, None)


def test_a_second_suspicion_from_the_same_message_is_the_same_suspicion() -> None:
    two = [outcome("COMPLAINED", NOON + n, "m-1", certain=False) for n in range(2)]
    assert said(*two) == (Reason.SUSPECTED_COMPLAINT, "*", NOON, NOON + 30 * DAY)


def test_not_spam_releases_an_earlier_complaint_and_not_a_later_one() -> None:
    rescued = outcome("NOT_SPAM", NOON + HOUR, "m-9", reason="not-spam")
    assert said(outcome("COMPLAINED", NOON), rescued) is None
    assert said(outcome("COMPLAINED", NOON, certain=False), rescued) is None
    assert said(outcome("COMPLAINED", NOON + 2 * HOUR), rescued) == (Reason.COMPLAINT, "*", NOON + 2 * HOUR, None)


def test_a_possible_not_spam_clears_a_suspicion_but_no_certain_complaint() -> None:
    perhaps = outcome("NOT_SPAM", NOON + HOUR, "m-9", certain=False)
    assert said(outcome("COMPLAINED", NOON, certain=False), perhaps) is None
    assert said(outcome("COMPLAINED", NOON), perhaps) == (Reason.COMPLAINT, "*", NOON, None)


def test_not_spam_releases_no_hard_bounce() -> None:
    assert said(outcome("HARD_BOUNCED", NOON), outcome("NOT_SPAM", NOON + 1)) == (Reason.HARD_BOUNCE, "*", NOON, None)


def test_an_authentication_failure_suppresses_nobody() -> None:
    assert said(outcome("COMPLAINED", NOON, reason="auth-failure")) is None


def test_five_soft_bounces_in_a_row_over_three_days_pause_for_thirty() -> None:
    at = NOON + 72 * HOUR
    assert said(*softs(0, 20, 40, 60, 72), now=at) == (Reason.SOFT_BOUNCES, "*", at, at + 30 * DAY)


def test_four_soft_bounces_are_too_few_and_five_in_three_days_less_an_hour_too_quick() -> None:
    now = NOON + 73 * HOUR
    assert said(*softs(0, 20, 40, 72), now=now) is None
    assert said(*softs(0, 20, 40, 60, 71), now=now) is None


def test_a_sixth_soft_bounce_may_make_the_row_long_enough() -> None:
    at = NOON + 80 * HOUR
    assert said(*softs(0, 20, 40, 60, 71, 80), now=at) == (Reason.SOFT_BOUNCES, "*", at, at + 30 * DAY)


def test_a_delivery_in_between_breaks_the_row() -> None:
    assert said(*softs(0, 20, 40, 60, 80), outcome("DELIVERED", NOON + 30 * HOUR), now=NOON + 81 * HOUR) is None


def test_several_bounces_of_one_message_are_one() -> None:
    five = [outcome("SOFT_BOUNCED", NOON + n * 20 * HOUR, "m-1") for n in range(5)]
    assert said(*five, now=NOON + 90 * HOUR) is None


def test_each_further_pause_is_twice_as_long() -> None:
    rows, start = [], 0
    for length in (30, 60, 120):
        rows += softs(*range(start, start + 81, 20))
        end = start + 80
        found = said(*rows, now=NOON + end * HOUR)
        assert found == (Reason.SOFT_BOUNCES, "*", NOON + end * HOUR, NOON + end * HOUR + length * DAY)
        start = end + length * 24


def test_what_bounces_softly_while_a_pause_lasts_does_not_lengthen_it() -> None:
    now = NOON + 200 * HOUR
    assert said(*softs(0, 20, 40, 60, 80, 100, 120, 140, 160, 180), now=now) == said(*softs(0, 20, 40, 60, 80), now=now)


def test_leaving_a_stream_suppresses_that_stream_and_leaving_another_both() -> None:
    first = outcome("UNSUBSCRIBED", NOON, "m-1", stream="newsletter")
    second = outcome("UNSUBSCRIBED", NOON + 1, "m-2", stream="offers")
    assert said(first) == (Reason.UNSUBSCRIBED, "newsletter", NOON, None)
    both = judged(first, second)
    assert both is not None
    assert (both.scope, both.streams) == ("newsletter", ("newsletter", "offers"))


def test_leaving_a_stream_that_nobody_knows_suppresses_every_stream() -> None:
    assert said(outcome("UNSUBSCRIBED", NOON, stream="")) == (Reason.UNSUBSCRIBED, "*", NOON, None)


def test_when_a_pause_is_over_the_left_stream_is_still_left() -> None:
    history = outcome("COMPLAINED", NOON, certain=False), outcome("UNSUBSCRIBED", NOON, "m-2", stream="newsletter")
    during, after = judged(*history, now=NOON + DAY), judged(*history, now=NOON + 31 * DAY)
    assert during is not None
    assert (during.reason, during.scope, during.streams) == (Reason.SUSPECTED_COMPLAINT, "*", ("newsletter",))
    assert after is not None
    assert (after.reason, after.scope) == (Reason.UNSUBSCRIBED, "newsletter")


def test_deliveries_openings_and_auto_replies_suppress_nobody() -> None:
    quiet = [outcome(kind, NOON) for kind in ("DELIVERED", "OPENED", "CLICKED", "DELAYED", "AUTO_REPLIED", "REJECTED")]
    assert said(*quiet) is None


def test_evidence_is_bounded_and_keeps_the_earliest() -> None:
    many = [outcome("HARD_BOUNCED", NOON + n, f"m-{n}") for n in range(200)]
    found = judged(*many)
    assert found is not None
    assert [e.at for e in found.evidence] == [NOON + n for n in range(8)]
    assert all(a.at < b.at for a, b in pairwise(standing_after(*many).marks))
    assert len(standing_after(*many).marks) == 72


def test_the_address_is_kept_as_ses_wrote_it() -> None:
    found = judged(outcome("HARD_BOUNCED", NOON, written="Ann@example.com"))
    assert found is not None
    assert (found.recipient, found.written) == ("ann@example.com", "Ann@example.com")

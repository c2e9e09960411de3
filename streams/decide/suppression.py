"""Whether we may write to somebody: worked out from the marks against them, with the evidence.

Several reasons may hold at once; the table orders them, and the first that holds now is the one that is said. What is
for a time falls away by itself, and the next reason, if any, is said in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from streams.mail.outcome import OutcomeKind
from streams.mail.policy import SuppressionPolicy
from streams.mail.standing import Mark, MarkKind, Standing
from streams.mail.suppression import EVERY_STREAM, Evidence, Suppression, SuppressionReason

MAX_EVIDENCE = 8
"""Events named in a suppression; the earliest ones, on which it rests."""

EVIDENCE_KINDS = {
    MarkKind.HARD_BOUNCE: OutcomeKind.HARD_BOUNCED,
    MarkKind.COMPLAINT: OutcomeKind.COMPLAINED,
    MarkKind.SES_LIST: OutcomeKind.HARD_BOUNCED,
    MarkKind.SUSPICION: OutcomeKind.COMPLAINED,
    MarkKind.SOFT_BOUNCE: OutcomeKind.SOFT_BOUNCED,
    MarkKind.UNSUBSCRIBE: OutcomeKind.UNSUBSCRIBED,
}


class Ground(NamedTuple):
    """A ground for not writing: from when, until when (None is for good), and the marks it rests on."""

    since: int
    until: int | None
    marks: Sequence[Mark]


Rule = Callable[[Sequence[Mark], SuppressionPolicy], Ground | None]


def for_good(marks: Sequence[Mark], _: SuppressionPolicy) -> Ground | None:
    """Return the ground that one mark gives, for good."""
    return Ground(marks[0].at, None, marks)


def suspected(marks: Sequence[Mark], policy: SuppressionPolicy) -> Ground | None:
    """Return the ground that being one of several possible complainers gives: for a time, or, twice, for good."""
    since = marks[0].at
    if len({m.message_id for m in marks}) > 1:
        return Ground(since, None, marks)
    return Ground(since, since + policy.suspicion, marks)


def softly(marks: Sequence[Mark], policy: SuppressionPolicy) -> Ground | None:
    """Return the ground that soft bounces in a row give; the marks hold none from before the last delivery.

    A message counts once, since some servers bounce one mail several times. While a pause lasts nothing counts
    towards the next, and each further pause is twice as long.
    """
    ground, run, pause = None, list[Mark](), policy.soft_pause
    for mark in _once_a_message(marks):
        if ground is not None and ground.until is not None and mark.at < ground.until:
            continue
        run.append(mark)
        if len(run) >= policy.soft_bounces and mark.at - run[0].at >= policy.soft_span:
            ground = Ground(mark.at, mark.at + pause, tuple(run))
            run, pause = [], pause * 2
    return ground


class Reason(NamedTuple):
    """A row: a kind of mark, the reason it gives, and the rule that says from when until when."""

    mark: MarkKind
    reason: SuppressionReason
    rule: Rule


EVERYWHERE = (
    Reason(MarkKind.COMPLAINT, SuppressionReason.COMPLAINT, for_good),  # a person's word comes first
    Reason(MarkKind.HARD_BOUNCE, SuppressionReason.HARD_BOUNCE, for_good),  # the mailbox is gone
    Reason(MarkKind.SES_LIST, SuppressionReason.SES_LIST, for_good),  # SES would not send anyway
    Reason(MarkKind.SUSPICION, SuppressionReason.SUSPECTED_COMPLAINT, suspected),  # perhaps a person's word
    Reason(MarkKind.SOFT_BOUNCE, SuppressionReason.SOFT_BOUNCES, softly),  # nobody seems to be there
)
"""Reasons that hold for every stream, strongest first."""


def judge(recipient: str, standing: Standing, policy: SuppressionPolicy, now: int) -> Suppression | None:
    """Return why we must not write to *recipient* at *now* (ms), or None where we may."""
    streams = left_streams(standing)
    for row in EVERYWHERE:
        marks = [m for m in standing.marks if m.kind == row.mark]
        ground = row.rule(marks, policy) if marks else None
        if ground is not None and (ground.until is None or ground.until > now):
            return _suppression(recipient, standing, row.reason, ground, EVERY_STREAM)
    if not streams:
        return None
    marks = [m for m in standing.marks if m.kind == MarkKind.UNSUBSCRIBE]
    ground = Ground(marks[0].at, None, marks)
    scope = EVERY_STREAM if "" in streams else streams[0]  # an unknown stream may be any
    return _suppression(recipient, standing, SuppressionReason.UNSUBSCRIBED, ground, scope)


def left_streams(standing: Standing) -> tuple[str, ...]:
    """Return the streams that a recipient has left, in the order of leaving; empty text stands for an unknown one."""
    return tuple(dict.fromkeys(m.stream for m in standing.marks if m.kind == MarkKind.UNSUBSCRIBE))


def _suppression(
    recipient: str, standing: Standing, reason: SuppressionReason, ground: Ground, scope: str
) -> Suppression:
    """Return the suppression that a ground gives."""
    evidence = (
        Evidence(message_id=m.message_id, kind=EVIDENCE_KINDS[m.kind], status=m.status, at=m.at) for m in ground.marks
    )
    return Suppression(
        recipient=recipient,
        reason=reason,
        scope=scope,
        since=ground.since,
        until=ground.until,
        evidence=tuple(evidence)[:MAX_EVIDENCE],
        streams=tuple(s for s in left_streams(standing) if s),
        written=standing.written,
    )


def _once_a_message(marks: Sequence[Mark]) -> list[Mark]:
    """Return the first mark of each message; marks without a message count each."""
    first: dict[object, Mark] = {}
    for mark in marks:
        first.setdefault(mark.message_id or mark.id, mark)
    return list(first.values())


def next_change(suppression: Suppression | None) -> int | None:
    """Return when (ms) a suppression ends by itself; None where it does not."""
    return None if suppression is None else suppression.until

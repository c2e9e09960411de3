"""Whether we may write to somebody: worked out from the marks against them, with the evidence.

Several reasons may hold at once; the table orders them, and the first that holds now is the one that is said. What is
for a time falls away by itself, and the next reason, if any, is said in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from streams.mail.outcome import OutcomeKind
from streams.mail.policy import SuppressionPolicy
from streams.mail.standing import Mark, MarkKind, Order, Standing
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


BY_RULE = "ses-streams"
"""Who decided, where no operator did."""


class Ground(NamedTuple):
    """A ground for not writing: from when, until when (None is for good), the marks it rests on, and who says so."""

    since: int
    until: int | None
    marks: Sequence[Mark]
    by: str = BY_RULE


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


class Run(NamedTuple):
    """Soft bounces in a row, and up to when they suppress; *until* is None while they are too few, or too close."""

    marks: tuple[Mark, ...]
    until: int | None


def soft_runs(marks: Sequence[Mark], policy: SuppressionPolicy) -> list[Run]:
    """Return the soft bounces that count, row by row; the last row may be an open one.

    A message counts once, since some servers bounce one mail several times. While a pause lasts nothing counts
    towards the next, and each further pause is twice as long.
    """
    runs, run, pause, over = list[Run](), list[Mark](), policy.soft_pause, None
    for mark in _once_a_message(marks):
        if over is not None and mark.at < over:
            continue
        run.append(mark)
        if len(run) >= policy.soft_bounces and mark.at - run[0].at >= policy.soft_span:
            over = mark.at + pause
            runs.append(Run(tuple(run), over))
            run, pause = [], pause * 2
    return [*runs, Run(tuple(run), None)] if run else runs


def softly(marks: Sequence[Mark], policy: SuppressionPolicy) -> Ground | None:
    """Return the ground that soft bounces in a row give; the marks hold none from before the last delivery."""
    full = [run for run in soft_runs(marks, policy) if run.until is not None]
    return Ground(full[-1].marks[-1].at, full[-1].until, full[-1].marks) if full else None


class Reason(NamedTuple):
    """A row: a kind of mark, the reason it gives, and the rule that says from when until when."""

    mark: MarkKind
    reason: SuppressionReason
    rule: Rule


FOR_GOOD = (
    Reason(MarkKind.COMPLAINT, SuppressionReason.COMPLAINT, for_good),  # a person's word comes first
    Reason(MarkKind.HARD_BOUNCE, SuppressionReason.HARD_BOUNCE, for_good),  # the mailbox is gone
    Reason(MarkKind.SES_LIST, SuppressionReason.SES_LIST, for_good),  # SES would not send anyway
)
FOR_A_TIME = (
    Reason(MarkKind.SUSPICION, SuppressionReason.SUSPECTED_COMPLAINT, suspected),  # perhaps a person's word
    Reason(MarkKind.SOFT_BOUNCE, SuppressionReason.SOFT_BOUNCES, softly),  # nobody seems to be there
)
"""Reasons that hold for every stream, strongest first; an operator's order for every stream comes between the two."""


class Claim(NamedTuple):
    """A ground with the reason that it gives and what it closes: `*` for every stream, or the first stream."""

    reason: SuppressionReason
    ground: Ground
    scope: str = EVERY_STREAM

    def holds(self, now: int) -> bool:
        """Tell whether it is not over at *now* (ms)."""
        return self.ground.until is None or self.ground.until > now


def judge(recipient: str, standing: Standing, policy: SuppressionPolicy, now: int) -> Suppression | None:
    """Return why we must not write to *recipient* at *now* (ms), or None where we may."""
    if not standing.marks and not standing.orders:
        return None
    found = next((claim for claim in claims(standing, policy, now) if claim.holds(now)), None)
    return None if found is None else _suppression(recipient, standing, found, closed_streams(standing, now))


def claims(standing: Standing, policy: SuppressionPolicy, now: int) -> Iterator[Claim]:
    """Yield what stands against a recipient, strongest first; what the marks gave for a time also where it is over.

    Orders count together, as long as they hold.
    """
    orders = in_force(standing, now)
    yield from _marked(standing, FOR_GOOD, policy)
    yield from _ordered([one for one in orders if one.scope == EVERY_STREAM])
    yield from _marked(standing, FOR_A_TIME, policy)
    left = [m for m in standing.marks if m.kind == MarkKind.UNSUBSCRIBE]
    if left:
        streams = closed_streams(standing, now)
        scope = EVERY_STREAM if "" in streams else streams[0]  # an unknown stream may be any
        yield Claim(SuppressionReason.UNSUBSCRIBED, Ground(left[0].at, None, left), scope)
    yield from _ordered([one for one in orders if one.scope != EVERY_STREAM])


def bars(suppression: Suppression | None, stream: str) -> bool:
    """Tell whether a suppression forbids *stream*; an empty stream is one that is not known."""
    return suppression is not None and (suppression.scope == EVERY_STREAM or stream in suppression.streams)


def in_force(standing: Standing, now: int) -> list[Order]:
    """Return the operators' orders that hold at *now* (ms), the first that was given first."""
    return [one for one in standing.orders if one.until is None or one.until > now]


def closed_streams(standing: Standing, now: int) -> tuple[str, ...]:
    """Return the single streams that must not write: those left, in that order, then those that operators closed.

    Empty text stands for an unknown stream that was left.
    """
    left = [m.stream for m in standing.marks if m.kind == MarkKind.UNSUBSCRIBE]
    closed = [one.scope for one in in_force(standing, now) if one.scope != EVERY_STREAM]
    return tuple(dict.fromkeys([*left, *closed]))


def next_change(standing: Standing, suppression: Suppression | None, now: int) -> int | None:
    """Return when (ms) what is said of a recipient changes by itself; None where it does not."""
    ends = [one.until for one in standing.orders if one.until is not None and one.until > now]
    if suppression is not None and suppression.until is not None:
        ends.append(suppression.until)
    return min(ends, default=None)


def _marked(standing: Standing, rows: Sequence[Reason], policy: SuppressionPolicy) -> Iterator[Claim]:
    """Yield what the marks give by *rows*."""
    for row in rows:
        marks = [m for m in standing.marks if m.kind == row.mark]
        ground = row.rule(marks, policy) if marks else None
        if ground is not None:
            yield Claim(row.reason, ground)


def _ordered(orders: Sequence[Order]) -> Iterator[Claim]:
    """Yield what operators' orders give together; the first of them names it."""
    if orders:
        ends = [one.until for one in orders]
        until = None if None in ends else max(end for end in ends if end is not None)
        yield Claim(orders[0].reason, Ground(orders[0].at, until, (), orders[0].by), orders[0].scope)


def _suppression(recipient: str, standing: Standing, claim: Claim, streams: Sequence[str]) -> Suppression:
    """Return the suppression that a claim gives; *streams* are the single ones that are closed besides."""
    reason, ground, scope = claim
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
        by=ground.by,
        streams=tuple(stream for stream in streams if stream),
        written=standing.written,
    )


def _once_a_message(marks: Sequence[Mark]) -> list[Mark]:
    """Return the first mark of each message; marks without a message count each."""
    first: dict[object, Mark] = {}
    for mark in marks:
        first.setdefault(mark.message_id or mark.id, mark)
    return list(first.values())

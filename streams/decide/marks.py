"""What an outcome adds to a recipient's standing.

A standing only ever grows by union and by the later of two times, and is cut back by rules that do not depend on
the order of arrival; so any order and any number of repeats of the same outcomes ends in the same standing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from streams.decide.verdict import NOT_SPAM
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord
from streams.mail.standing import Mark, MarkKind, Standing
from streams.mail.suppression import EVERY_STREAM

SES_LIST_WORDS = frozenset(
    {"suppressed", "onaccountsuppressionlist", "ontenantsuppressionlist", "emailvalidationsuppressed"}
)
"""Sub-types by which SES says that it did not ask the mailbox."""

AUTH_FAILURE = "auth-failure"
"""A complaint about our domain's authentication (RFC 6591), not by a person about a mail."""

BEFORE_ALL = -1 << 62
"""Earlier than any event: nothing is settled."""

KEEP_FIRST = 8
KEEP_LAST = 64
"""Marks kept of each kind: the earliest carry the evidence and the date, the latest the run of soft bounces."""


def weigh(standing: Standing, outcome: OutcomeRecord, outcome_mark: bytes, now: int) -> Standing:
    """Return the standing after *outcome*; one that says nothing about the recipient changes only touched_at."""
    at = outcome["occurred_at"]
    match outcome["kind"]:
        case OutcomeKind.DELIVERED:
            return prune_marks(standing._replace(touched_at=now, delivered_at=max(at, standing.delivered_at)))
        case OutcomeKind.NOT_SPAM:
            return _forgive(standing._replace(touched_at=now), at, certain=outcome["certain"])
    kind = _mark_kind(outcome)
    if kind is None:
        return standing._replace(touched_at=now)
    mark = Mark(at, outcome_mark, kind, outcome["message_id"], outcome["status"], outcome["stream"])
    known = known_as(standing, outcome["written"])
    return prune_marks(known._replace(touched_at=now, marks=(*standing.marks, mark)))


def _mark_kind(outcome: OutcomeRecord) -> MarkKind | None:
    """Return what mark an outcome leaves; None where it leaves none."""
    listed = outcome["reason"].rpartition("/")[2].lower() in SES_LIST_WORDS
    match outcome["kind"]:
        case OutcomeKind.HARD_BOUNCED:
            if not outcome["certain"]:
                return None  # SES named nobody: a guess must not silence anybody for good
            return MarkKind.SES_LIST if listed else MarkKind.HARD_BOUNCE
        case OutcomeKind.SOFT_BOUNCED:
            return MarkKind.SOFT_BOUNCE
        case OutcomeKind.UNSUBSCRIBED:
            return MarkKind.UNSUBSCRIBE if outcome["certain"] else None
        case OutcomeKind.COMPLAINED:
            return _complaint_kind(outcome, listed=listed)
        case _:
            return None


def _complaint_kind(outcome: OutcomeRecord, *, listed: bool) -> MarkKind | None:
    """Return what mark a complaint leaves."""
    if listed:
        return MarkKind.SES_LIST
    if outcome["reason"].lower() in (AUTH_FAILURE, NOT_SPAM):
        return None
    return MarkKind.COMPLAINT if outcome["certain"] else MarkKind.SUSPICION


def _forgive(standing: Standing, at: int, *, certain: bool) -> Standing:
    """Return the standing after a mail was fetched out of the spam folder, by this person or perhaps by this one."""
    if certain:
        standing = standing._replace(forgiven_at=max(at, standing.forgiven_at))
    return prune_marks(standing._replace(doubt_cleared_at=max(at, standing.doubt_cleared_at)))


def known_as(standing: Standing, written: str | None) -> Standing:
    """Return the standing with the address as SES wrote it; of several spellings the least, in whatever order."""
    if written is None or (standing.written is not None and standing.written <= written):
        return standing
    return standing._replace(written=written)


def prune_marks(standing: Standing) -> Standing:
    """Return the standing without marks and orders that can no longer matter, each once, in order, bounded."""
    if not standing.marks and not standing.orders:
        return standing
    released = dict[str, int](standing.releases)
    marks = tuple(
        mark
        for mark in standing.marks
        if mark.at > _cleared_at(standing, mark.kind) and mark.at > _released_at(released, mark)
    )
    if len(marks) > 1:
        marks = _in_order(marks)
    orders = tuple(one for one in standing.orders if one.at > _settled_at(released, one.scope))
    if marks == standing.marks and orders == standing.orders:
        return standing  # as after nearly every first mark
    return standing._replace(marks=marks, orders=orders)


def _in_order(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return marks each once, bounded by kind, in order."""
    by_kind: defaultdict[MarkKind, list[Mark]] = defaultdict(list)
    for mark in sorted(set(marks), key=lambda m: (m.at, m.id)):
        by_kind[mark.kind].append(mark)
    kept = [mark for of_kind in by_kind.values() for mark in _bounded(of_kind)]
    return tuple(sorted(kept, key=lambda m: (m.at, m.id, m.kind)))


def _cleared_at(standing: Standing, kind: MarkKind) -> int:
    """Return up to when marks of *kind* are settled by what SES says."""
    match kind:
        case MarkKind.SOFT_BOUNCE:
            return standing.delivered_at
        case MarkKind.COMPLAINT:
            return standing.forgiven_at
        case MarkKind.SUSPICION:
            return standing.doubt_cleared_at
        case _:
            return BEFORE_ALL  # nothing that SES says settles these; an operator may


def _released_at(released: dict[str, int], mark: Mark) -> int:
    """Return up to when an operator has settled a mark: every mark, or that somebody left this stream."""
    scope = mark.stream if mark.kind == MarkKind.UNSUBSCRIBE else EVERY_STREAM
    return _settled_at(released, scope)


def _settled_at(released: dict[str, int], scope: str) -> int:
    """Return up to when an operator has settled what stands under *scope*."""
    return max(released.get(scope, BEFORE_ALL), released.get(EVERY_STREAM, BEFORE_ALL))


def _bounded(marks: list[Mark]) -> list[Mark]:
    """Return the earliest and the latest marks of one kind; a union cut this way is the same in any order."""
    if len(marks) <= KEEP_FIRST + KEEP_LAST:
        return marks
    return marks[:KEEP_FIRST] + marks[-KEEP_LAST:]

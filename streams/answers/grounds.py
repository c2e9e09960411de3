"""What stands against somebody, ground by ground, and for each mark and each order whether it counts and by which rule.

`decide/suppression.py` decides; this puts its own steps (claims, rows of soft bounces) into words.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.answers.evidence import Evidence, EvidenceKind, Ground
from streams.answers.rules import OF_REASON, UNDONE_BY, Rules
from streams.answers.said import moment, moment_or_none
from streams.decide.suppression import Claim, claims, soft_runs, suspected
from streams.mail.policy import SuppressionPolicy
from streams.mail.standing import Mark, MarkKind, Order, Standing
from streams.mail.suppression import EVERY_STREAM, SuppressionReason

_FOR_GOOD = {
    MarkKind.HARD_BOUNCE: "hard-bounce",
    MarkKind.COMPLAINT: "complaint",
    MarkKind.SES_LIST: "ses-list",
}
Counted = tuple[str, bool, int | None]
"""The rule's name, whether the evidence counts, and until when."""


def grounds(standing: Standing, policy: SuppressionPolicy, rules: Rules, now: int) -> Iterator[Ground]:
    """Yield what stands against somebody, strongest first; the first that holds is the one that is said."""
    said = False
    for claim in claims(standing, policy, now):
        holds = claim.holds(now)
        yield Ground(
            reason=claim.reason,
            holds=holds,
            said=holds and not said,
            scope=claim.scope,
            since=moment(claim.ground.since),
            until=moment_or_none(claim.ground.until),
            by=claim.ground.by,
            because=rules(_rule_of(claim, holds=holds)),
            undone_by=UNDONE_BY.get(claim.reason, "an operator's release"),
        )
        said = said or holds


def _rule_of(claim: Claim, *, holds: bool) -> str:
    """Return the name of the rule behind a claim."""
    if not claim.ground.marks:
        return "order" if claim.scope == EVERY_STREAM else "order-of-a-stream"
    match claim.reason:
        case SuppressionReason.SUSPECTED_COMPLAINT if claim.ground.until is None:
            return "suspicion-twice"
        case SuppressionReason.SUSPECTED_COMPLAINT:
            return "suspicion" if holds else "suspicion-over"
        case SuppressionReason.SOFT_BOUNCES:
            return "soft-bounces" if holds else "soft-bounces-over"
        case SuppressionReason.UNSUBSCRIBED if claim.scope == EVERY_STREAM:
            return "unsubscribed-somewhere"
        case _:
            return OF_REASON[claim.reason]


def marks(standing: Standing, policy: SuppressionPolicy, rules: Rules, now: int) -> Iterator[Evidence]:
    """Yield every mark of a standing as evidence."""
    softly = _softly(standing, policy, now)
    suspicion = _suspicion(standing, policy, now)
    for mark in standing.marks:
        match mark.kind:
            case MarkKind.SOFT_BOUNCE:
                name, counts, until = softly[mark]
            case MarkKind.SUSPICION:
                name, counts, until = suspicion
            case MarkKind.UNSUBSCRIBE:
                name, counts, until = "unsubscribed" if mark.stream else "unsubscribed-somewhere", True, None
            case _:
                name, counts, until = _FOR_GOOD[mark.kind], True, None
        yield Evidence(
            at=moment(mark.at),
            kind=EvidenceKind(mark.kind),
            counts=counts,
            because=rules(name),
            until=moment_or_none(until if counts else None),
            message_id=mark.message_id,
            status=mark.status,
            stream=mark.stream or None,
        )


def _suspicion(standing: Standing, policy: SuppressionPolicy, now: int) -> Counted:
    """Return what suspicions, which count all together, are worth."""
    doubts = [mark for mark in standing.marks if mark.kind == MarkKind.SUSPICION]
    ground = suspected(doubts, policy) if doubts else None
    if ground is None or ground.until is None:
        return "suspicion-twice", True, None
    return ("suspicion", True, ground.until) if ground.until > now else ("suspicion-over", False, None)


def _softly(standing: Standing, policy: SuppressionPolicy, now: int) -> dict[Mark, Counted]:
    """Return what each soft bounce is worth: by its row, or why it is in none."""
    soft = [mark for mark in standing.marks if mark.kind == MarkKind.SOFT_BOUNCE]
    counted: dict[Mark, Counted] = {}
    for run in soft_runs(soft, policy):
        if run.until is None:
            worth: Counted = "soft-bounces-few", True, None
        elif run.until > now:
            worth = "soft-bounces", True, run.until
        else:
            worth = "soft-bounces-over", False, None
        counted |= dict.fromkeys(run.marks, worth)
    met = set[object]()
    for mark in soft:
        again = mark.message_id is not None and mark.message_id in met
        counted.setdefault(mark, ("soft-same-mail" if again else "soft-in-pause", False, None))
        met.add(mark.message_id)
    return counted


def orders(standing: Standing, rules: Rules, now: int) -> Iterator[Evidence]:
    """Yield what operators said of writing to somebody: orders, and the releases that settled what was before them."""
    for order in standing.orders:
        over = order.until is not None and order.until <= now
        yield Evidence(
            at=moment(order.at),
            kind=EvidenceKind.ORDER,
            counts=not over,
            because=rules("order-over" if over else _order_rule(order)),
            until=None if over else moment_or_none(order.until),
            stream=_stream(order.scope),
            by=order.by,
        )
    for release in standing.releases:
        yield Evidence(
            at=moment(release.at),
            kind=EvidenceKind.RELEASE,
            counts=True,
            because=rules("release" if release.scope == EVERY_STREAM else "release-of-a-stream"),
            stream=_stream(release.scope),
        )


def _order_rule(order: Order) -> str:
    return "order" if order.scope == EVERY_STREAM else "order-of-a-stream"


def _stream(scope: str) -> str | None:
    """Return the one stream of which something was said; None where it was every one."""
    return None if scope == EVERY_STREAM else scope

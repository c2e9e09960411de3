"""When a mail is sent again: which bounces and refusals lead to a retry, when it falls due, and what rules it out.

SES itself goes on trying a soft bounce for hours, so a retry begins only when SES has given up. What is learnt here
only grows (a later attempt, a later delivery, a mail that a machine answered), so that any order of the outcomes ends
in the same waits. Who of several goes first is turn.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from streams.decide.refusal import may_pass
from streams.mail.outcome import OutcomeKind
from streams.mail.policy import RetryPolicy
from streams.mail.records import OutcomeRecord
from streams.mail.retry import ALL_REQUESTS, FOR_EVER, Probe, Spent, Wait, WaitKind
from streams.mail.standing import NEVER, Standing
from streams.mail.time import LATEST

REFUSED = "refused"
MAILBOX_FULL = "MailboxFull"


class Passing(NamedTuple):
    """A row: a sub-type of soft bounces after which the same mail may well arrive later, and why."""

    subtype: str
    because: str


PASSING = (
    Passing("General", "no more is said than that it may pass"),
    Passing(MAILBOX_FULL, "people empty their mailboxes; it takes them a day"),
    Passing("Undetermined", "the provider says too little; once more is worth it"),
)
"""All others (too large, refused content or attachment, the sender's own time limit) end the same way each time."""

_LABELS = {row.subtype.lower(): row.subtype for row in PASSING}

ENDS = frozenset(
    {
        OutcomeKind.HARD_BOUNCED,
        OutcomeKind.SOFT_BOUNCED,
        OutcomeKind.REJECTED,
        OutcomeKind.RENDERING_FAILED,
        OutcomeKind.FAILED,
        OutcomeKind.EXPIRED,
        OutcomeKind.LOOPING,
        OutcomeKind.SUPPRESSED,
    }
)
"""Outcomes after which an attempt is over and has not arrived."""

MOST_ATTEMPTS = 1_000_000
"""A record may say any number; a greater one than this is no count of anything."""

MAX_WAITS = 128
MAX_SPENT = 256
"""Kept per recipient: the retries that bounced first, and the requests that were heard of last."""


def request_key(request_id: str) -> bytes:
    """Return 8 bytes that stand for a request in what is kept of it."""
    return blake2b(b"request\0" + request_id.encode(), digest_size=8).digest()


def message_key(message_id: str) -> bytes:
    """Return 8 bytes that stand for a message in what is kept of it."""
    return blake2b(b"message\0" + message_id.encode(), digest_size=8).digest()


def label_of(because: str) -> str:
    """Return the one word (a metric's label) for why a mail is sent again: a sub-type, or that SES refused it."""
    return _LABELS.get(because.rpartition("/")[2].lower(), REFUSED)


def reason_of(outcome: OutcomeRecord) -> str | None:
    """Return why an outcome leads to a retry, in one word; None where it does not."""
    if not outcome["request_id"] or not outcome["certain"]:
        return None
    match outcome["kind"]:
        case OutcomeKind.SOFT_BOUNCED:
            return _LABELS.get(outcome["reason"].rpartition("/")[2].lower())
        case OutcomeKind.FAILED:
            return REFUSED if may_pass(outcome["reason"]) else None
        case _:
            return None


def matters(outcome: OutcomeRecord) -> bool:
    """Tell whether an outcome from which nothing follows for the recipient says something about a retry."""
    later_attempt = bool(outcome["request_id"]) and outcome["attempt"] > 1
    return later_attempt or reason_of(outcome) is not None


def attempt_of(outcome: OutcomeRecord) -> int:
    """Return which attempt an outcome is about, within what anybody would make."""
    return min(max(outcome["attempt"], 1), MOST_ATTEMPTS)


def due_at(request_id: str, bounced: int, at: int, reason: str, policy: RetryPolicy) -> int:
    """Return when (ms) to send again what bounced at *at* in attempt *bounced*; spread, but always the same."""
    delay: int = policy.first * policy.factor ** (bounced - 1)
    if reason == MAILBOX_FULL:
        delay = max(delay, policy.mailbox_full)
    digest = blake2b(f"{request_id}\0{bounced + 1}".encode(), digest_size=8).digest()
    spread = int.from_bytes(digest, "big") / (1 << 63) - 1
    return min(at + round(delay * (1 + policy.jitter * spread)), LATEST)


def exhausts(standing: Standing, outcome: OutcomeRecord, policy: RetryPolicy) -> bool:
    """Tell whether *outcome* is the first word that a request has used up its retries."""
    attempt = attempt_of(outcome)
    if reason_of(outcome) is None or attempt <= policy.most:
        return False
    key = request_key(outcome["request_id"] or "")
    return all(one.attempt <= attempt for one in standing.spent if one.key == key)


def consider(standing: Standing, outcome: OutcomeRecord, policy: RetryPolicy) -> Standing:
    """Return the standing after what *outcome* says about mails to be sent again."""
    kind, request_id, attempt, at = outcome["kind"], outcome["request_id"], attempt_of(outcome), outcome["occurred_at"]
    if kind == OutcomeKind.AUTO_REPLIED:
        standing = spend(standing, _names(outcome), FOR_EVER, at)
    elif kind in ENDS and request_id and attempt > 1:
        standing = spend(standing, [request_key(request_id)], attempt, at)
    reason = reason_of(outcome)
    if reason is not None and request_id:
        if attempt > policy.most:
            standing = spend(standing, [request_key(request_id)], attempt + 1, at)
        else:
            wait = _wait(outcome, request_id, attempt, reason, policy)
            standing = standing._replace(waits=_merged((*standing.waits, wait)))
    return prune_waits(_after_probe(standing, outcome, attempt))


def _wait(outcome: OutcomeRecord, request_id: str, attempt: int, reason: str, policy: RetryPolicy) -> Wait:
    """Return the retry that a bounce or a refusal leads to."""
    at = outcome["occurred_at"]
    return Wait(
        request_id=request_id,
        attempt=attempt + 1,
        at=at,
        due_at=due_at(request_id, attempt, at, reason, policy),
        kind=WaitKind.REFUSED if outcome["kind"] == OutcomeKind.FAILED else WaitKind.HELD,
        because=f"{outcome['kind']} {outcome['reason']}".rstrip(),
        message_id=outcome["message_id"],
        stream=outcome["stream"],
    )


def _names(outcome: OutcomeRecord) -> list[bytes]:
    """Return the keys under which a mail that a machine answered is remembered: its request's and its message's."""
    names = []
    if outcome["request_id"]:
        names.append(request_key(outcome["request_id"]))
    if outcome["message_id"]:
        names.append(message_key(outcome["message_id"]))
    return names


def spend(standing: Standing, keys: Iterable[bytes], attempt: int, at: int) -> Standing:
    """Return the standing in which no attempt up to *attempt* is planned any more under *keys*."""
    by_key = {one.key: one for one in standing.spent}
    for key in keys:
        was = by_key.get(key, Spent(key, 0, NEVER))
        by_key[key] = Spent(key, max(attempt, was.attempt), max(at, was.at))
    latest = sorted(by_key.values(), key=lambda one: (one.at, one.key))[-MAX_SPENT:]
    return standing._replace(spent=tuple(latest))


def _merged(waits: Iterable[Wait]) -> tuple[Wait, ...]:
    """Return the waits in the order of their bounces, one a request: its latest attempt, as it bounced last."""
    by_request: dict[str, Wait] = {}
    for wait in waits:
        was = by_request.get(wait.request_id)
        if was is None or _rank(wait) > _rank(was):
            by_request[wait.request_id] = wait
    return tuple(sorted(by_request.values(), key=lambda w: (w.at, w.request_id))[:MAX_WAITS])


def _rank(wait: Wait) -> tuple[int, int, str, str, str]:
    """Return by what one of several waits of a request is chosen: everything that an outcome can say differently."""
    return wait.attempt, wait.at, wait.because, wait.message_id or "", wait.stream


def _after_probe(standing: Standing, outcome: OutcomeRecord, attempt: int) -> Standing:
    """Return the standing after the probe's own word, where *outcome* is that.

    The mailbox takes mail again: everything else goes. It bounced softly again: the rest waits for the probe's next
    attempt. Anything else says nothing about the mailbox, and the next in turn asks it.
    """
    probe = standing.probe
    if probe is None or not probe.at or (probe.request_id, probe.attempt) != (outcome["request_id"], attempt):
        return standing
    if outcome["kind"] in (OutcomeKind.DELIVERED, OutcomeKind.AUTO_REPLIED):
        return freed(standing)
    if outcome["kind"] not in ENDS:
        return standing
    if outcome["kind"] == OutcomeKind.SOFT_BOUNCED and any(w.request_id == probe.request_id for w in standing.waits):
        return standing._replace(probe=Probe(probe.request_id, attempt + 1, probe.since, NEVER))
    return standing._replace(probe=None)


def freed(standing: Standing) -> Standing:
    """Return the standing in which nothing that waits has to wait any longer, and nobody asks for the rest."""
    return standing._replace(probe=None, waits=tuple(w._replace(kind=WaitKind.FREE) for w in standing.waits))


def prune_waits(standing: Standing) -> Standing:
    """Return the standing without retries that are ruled out for good.

    That is: spent, called off by an operator, of a mail that a machine answered, or bounced before a delivery to this
    recipient (unless it was the probe's: then they were set free before). What SES refused has nothing to do with the
    mailbox: another mail's delivery says nothing about it.
    """
    if not standing.waits and standing.probe is None:
        return standing
    spent = {one.key: one.attempt for one in standing.spent}
    off = {one.key: one.at for one in standing.called_off}
    waits = tuple(w for w in standing.waits if _stands(w, standing.delivered_at, spent, off))
    probe = standing.probe
    if probe is not None and (probe.since < standing.delivered_at or _is_off(probe, off)):
        probe = None
    if len(waits) == len(standing.waits) and probe is standing.probe:
        return standing
    return standing._replace(waits=waits, probe=probe)


def _stands(wait: Wait, delivered_at: int, spent: dict[bytes, int], off: dict[bytes, int]) -> bool:
    """Tell whether a retry is still to be made, as far as can be said for good."""
    if _is_off(wait, off):
        return False
    if spent and spent.get(request_key(wait.request_id), 0) >= wait.attempt:
        return False
    if spent and wait.message_id is not None and spent.get(message_key(wait.message_id), 0) == FOR_EVER:
        return False
    return wait.kind != WaitKind.HELD or wait.at >= delivered_at


def _is_off(wait: Wait | Probe, off: dict[bytes, int]) -> bool:
    """Tell whether an operator has called it off since it bounced."""
    since = wait.at if isinstance(wait, Wait) else wait.since
    return bool(off) and since <= max(off.get(request_key(wait.request_id), -1), off.get(ALL_REQUESTS, -1))

"""The checker: holds what came of it against the ledger, and says what is lost, wrong, repeated or late.

It shares no line with the product. What is due it has from the ledger; what came, from the topics; what must hold,
from the contract: at least once, effectively once by id, byte for byte, and never unmatched before the time to wait
was over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from tests.faults.evidence import Evidence, Letter, Said
from tests.faults.ledger import Ledger
from tests.faults.stories import DueOutcome
from tests.faults.verdict import Finding, Verdict, What
from tests.faults.wire import HEADER

EVERYWHERE = "*"
ONE_STREAM = "UNSUBSCRIBED"
"""The reason that holds for one stream only."""

KINDS = frozenset({"outcomes", "suppressions", "dead letters", "retries"})
KINDS_OF_REQUESTS = frozenset({"ends", "mails", "suppressions", "retries"})
"""What is judged where our own worker sends: of the outcomes, those that end a request."""
ENDS = frozenset({"DELIVERED", "HARD_BOUNCED", "COMPLAINED"})
STRANGE_ENDS = frozenset({"FAILED", "EXPIRED", "LOOPING", "SUPPRESSED", "REJECTED", "RENDERING_FAILED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed.

    park: how long feedback waits for its Send (ms). most_retries: there are at most. kinds: what is judged; a twin does
    not do all of it.
    """

    park: int
    most_retries: int = 3
    kinds: frozenset[str] = KINDS


def judge(ledger: Ledger, evidence: Evidence, terms: Terms) -> Verdict:
    """Return the verdict on all that topics can tell."""
    verdict = Verdict(doubtful=len(ledger.doubtful()))
    judged = {
        "outcomes": _outcomes(ledger, evidence, terms, verdict),
        "ends": _ends(ledger, evidence, verdict),
        "mails": _mails(ledger, evidence, verdict),
        "suppressions": _suppressions(ledger, evidence, verdict),
        "dead letters": _letters(ledger, evidence, verdict),
        "retries": _retries(ledger, evidence, terms, verdict),
    }
    for kind, findings in judged.items():
        for finding in findings if kind in terms.kinds else ():
            verdict.find(finding)
    verdict.kinds = {kind: count for kind, count in verdict.kinds.items() if kind in terms.kinds}
    for what in evidence.unreadable:
        verdict.find(Finding("outcomes", What.WRONG, "I1", what, "it cannot be read"))
    return verdict


def missing(ledger: Ledger, evidence: Evidence, terms: Terms) -> int:
    """Return how much of what is due has not come."""
    return judge(ledger, evidence, terms).lost


def _outcomes(ledger: Ledger, evidence: Evidence, terms: Terms, verdict: Verdict) -> Iterator[Finding]:
    due, events, sends, doubtful = ledger.outcomes(), ledger.events(), ledger.sends(), ledger.doubtful()
    verdict.due("outcomes", len(due), sum(key in evidence.outcomes for key in due))
    for key, one in due.items():
        event, published_at = events[one.feedback_id]
        judged = _Judged(one, event, sends.get(one.message_id), published_at + terms.park)
        yield from _one_outcome(judged, evidence.outcomes.get(key, []))
    for key, said in evidence.outcomes.items():
        if key not in due and not doubtful & {key[0], key[1], str(said[0]["message_id"])}:
            yield Finding("outcomes", What.WRONG, "I1", _name(*key), "nobody has given cause for it")


@dataclass(frozen=True, slots=True)
class _Judged:
    """An outcome that is due, the bytes that it must embed, and from when on (ms) it may go out unmatched."""

    due: DueOutcome
    event: bytes
    send: bytes | None
    unmatched_from: int


def _one_outcome(judged: _Judged, said: list[Said]) -> Iterator[Finding]:
    """Yield what is to be said of one outcome that is due."""
    name = _name(judged.due.feedback_id, judged.due.recipient)
    if not said:
        invariant = "I1" if judged.due.matched else "I2"
        yield Finding("outcomes", What.LOST, invariant, name, f"no {judged.due.kind}")
        return
    meanings = {one.fields: one for one in said}
    for one in meanings.values():
        yield from _meaning(judged, one, name)
    if len({one["outcome_id"] for one in said}) > 1:
        yield Finding("outcomes", What.WRONG, "I1", name, "two ids for one outcome")
    settled = {_without_match(one) for one in meanings.values()}
    if len(settled) > 1:
        yield Finding("outcomes", What.WRONG, "I1", name, "it was repeated with another meaning")
    for _ in said[1:]:
        yield Finding("outcomes", What.DUPLICATED, "I1", name, "repeated")


def _without_match(said: Said) -> tuple[tuple[str, object], ...]:
    """Return what an outcome says apart from its Send: a repeat may have found it meanwhile."""
    of_send = {"matched", "latency_ms", "stream", "request_id", "attempt"}
    return tuple((name, value) for name, value in said.fields if name not in of_send)


def _meaning(judged: _Judged, said: Said, name: str) -> Iterator[Finding]:
    due = judged.due
    for field in ("kind", "reason", "certain", "message_id", "occurred_at"):
        if said[field] != getattr(due, field):
            yield Finding("outcomes", What.WRONG, "I1", name, f"{field} is {said[field]}, not {getattr(due, field)}")
    if said.key != due.recipient.encode():
        yield Finding("outcomes", What.WRONG, "I1", name, "its key is not its recipient")
    if not said["outcome_id"]:
        yield Finding("outcomes", What.WRONG, "I1", name, "it has no id")
    yield from _joined(judged, said, name)


def _joined(judged: _Judged, said: Said, name: str) -> Iterator[Finding]:
    """Yield what is to be said of what an outcome embeds, and of whether it found its Send."""
    due = judged.due
    if judged.event[HEADER:] not in said.value:
        yield Finding("outcomes", What.WRONG, "I2", name, "the event that it embeds is not the one that was published")
    if said["matched"] and judged.send is not None and judged.send[HEADER:] not in said.value:
        yield Finding("outcomes", What.WRONG, "I2", name, "the Send that it embeds is not the one that was published")
    if said["matched"] and not due.matched:
        yield Finding("outcomes", What.WRONG, "I2", name, "matched, though no Send was published")
    if not said["matched"]:
        if said.at and said.at < judged.unmatched_from:
            yield Finding("outcomes", What.WRONG, "I2", name, "unmatched before its time to wait was over")
        elif due.matched:
            yield Finding("outcomes", What.LATE, "I1", name, "the Send was read too late")


def _ends(ledger: Ledger, evidence: Evidence, verdict: Verdict) -> Iterator[Finding]:
    """Yield what is to be said of how requests ended: as is due, after the attempts that are due."""
    due, doubtful = ledger.ends(), ledger.doubtful()
    verdict.due("ends", len(due), sum((e.kind, e.attempts) in evidence.ended.get(k, ()) for k, e in due.items()))
    for key, end in due.items():
        said, name = evidence.ended.get(key, {}), _name(*key)
        if (end.kind, end.attempts) not in said:
            yield Finding("ends", What.LOST, "I1", name, f"no {end.kind} of attempt {end.attempts}, but {sorted(said)}")
        for (kind, attempt), ids in said.items():
            strange = kind in STRANGE_ENDS or attempt > end.attempts or (kind in ENDS and attempt < end.attempts)
            if strange or (kind == "HARD_BOUNCED" and end.kind != kind):
                yield Finding("ends", What.WRONG, "I1", name, f"{kind} of attempt {attempt}")
            for _ in range(len(ids) - 1 if kind in ENDS else 0):
                yield Finding("ends", What.DUPLICATED, "I1", name, f"{kind} of two mails")
    for key in evidence.ended.keys() - due.keys():
        if key[1] not in doubtful:
            yield Finding("ends", What.WRONG, "I1", _name(*key), "nobody has asked for it")


def _mails(ledger: Ledger, evidence: Evidence, verdict: Verdict) -> Iterator[Finding]:
    """Yield what is to be said of what SES was handed: each attempt once, or it is sent twice."""
    due = {(e.request_id, e.recipient, n) for e in ledger.ends().values() for n in range(1, e.attempts + 1)}
    doubtful = ledger.doubtful()
    verdict.due("mails", len(due), sum(one in evidence.handed for one in due))
    for one in due - evidence.handed.keys():
        yield Finding("mails", What.LOST, "I1", _name(*one[:2]), f"attempt {one[2]} was not handed to SES")
    for one, times in evidence.handed.items():
        if one not in due and one[1] not in doubtful:
            yield Finding("mails", What.WRONG, "I1", _name(*one[:2]), f"attempt {one[2]}, which nobody asked for")
        for _ in range(times - 1):
            yield Finding("mails", What.DUPLICATED, "I1", _name(*one[:2]), f"attempt {one[2]} was sent twice")


def _suppressions(ledger: Ledger, evidence: Evidence, verdict: Verdict) -> Iterator[Finding]:
    due, doubtful = ledger.suppressions(), ledger.doubtful()
    standing = {key.decode(errors="replace"): said for key, said in evidence.suppressions.items()}
    wanted = {one for one, row in due.items() if row.reason}
    verdict.due("suppressions", len(wanted), sum(standing.get(one) is not None for one in wanted))
    for recipient, row in due.items():
        said = standing.get(recipient)
        name = f"whoever got {row.message_id}" if row.message_id else f"key {crc32(recipient.encode()):08x}"
        if said is None and row.reason:
            yield Finding("suppressions", What.LOST, "I3", name, f"no {row.reason}")
        elif said is not None and not row.reason:
            yield Finding("suppressions", What.WRONG, "I3", name, f"{said['reason']} was not lifted")
        elif said is not None:
            scope = EVERYWHERE if row.reason != ONE_STREAM else said["scope"]
            mails = {one["message_id"] for one in said["evidence"]}
            if (said["recipient"], said["reason"], said["scope"]) != (recipient, row.reason, scope):
                yield Finding("suppressions", What.WRONG, "I3", name, f"{said['reason']} of {said['scope']}")
            if row.message_id and row.message_id not in mails:
                yield Finding("suppressions", What.WRONG, "I3", name, "its evidence is another mail")
    for recipient in standing.keys() - due.keys() - doubtful:
        name = f"key {crc32(recipient.encode()):08x}"
        yield Finding("suppressions", What.WRONG, "I3", name, "nobody has given cause for it")
    for key, times in evidence.again.items():
        for _ in range(times):
            yield Finding("suppressions", What.DUPLICATED, "I3", f"key {crc32(key):08x}", "said again")


def _letters(ledger: Ledger, evidence: Evidence, verdict: Verdict) -> Iterator[Finding]:
    due = ledger.letters()
    verdict.due("dead letters", len(due), sum(one in evidence.letters for one in due))
    for one in due:
        times = evidence.letters.get(one, 0)
        if not times:
            yield Finding("dead letters", What.LOST, "I2", _letter_name(one), "it was not set aside")
        for _ in range(times - 1):
            yield Finding("dead letters", What.DUPLICATED, "I2", _letter_name(one), "set aside again")
    for one in evidence.letters.keys() - set(due):
        if not ledger.doubtful():  # a doubtful record has no name to tell it by
            yield Finding("dead letters", What.WRONG, "I2", _letter_name(one), "nobody published it so")


def _retries(ledger: Ledger, evidence: Evidence, terms: Terms, verdict: Verdict) -> Iterator[Finding]:
    due, doubtful = {(r.request_id, r.recipient, r.attempt) for r in ledger.retries()}, ledger.doubtful()
    verdict.due("retries", len(due), sum(one in evidence.retries for one in due))
    for one in due - evidence.retries.keys():
        yield Finding("retries", What.LOST, "I4", f"{one[0]}, attempt {one[2]}", "it never went")
    for one, times in evidence.retries.items():
        name = f"{one[0]}, attempt {one[2]}"
        if one not in due and one[1] not in doubtful:
            yield Finding("retries", What.WRONG, "I4", name, "nobody has given cause for it")
        elif one[2] > terms.most_retries + 1:
            yield Finding("retries", What.WRONG, "I4", name, "more than there may be")
        elif one[1].encode() in evidence.ever:
            yield Finding("retries", What.WRONG, "I4", name, "its recipient is suppressed")
        for _ in range(times - 1):
            yield Finding("retries", What.DUPLICATED, "I4", name, "it went again")


def _name(feedback_id: str, recipient: str) -> str:
    """Return what one outcome is called: the event or the request, and which of its recipients, without the address."""
    return f"{feedback_id or 'nothing'} for {crc32(recipient.encode()):08x}"


def _letter_name(letter: Letter) -> str:
    role, key, value = letter
    return f"{role} {crc32(key or b''):08x} of {-1 if value is None else len(value)} bytes"

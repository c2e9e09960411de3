"""A closed loop that went well: records and the simulator's list, made from a ledger, for faults to be planted in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams.demo.loop.audit import LoopAudit
from streams.demo.loop.clerk import Clerk
from streams.demo.loop.judgement import Delays, Judge, LoopVerdict
from streams.demo.loop.ledger import LineKey, LoopLedger
from streams.demo.loop.requests import Requests
from streams.demo.loop.sent import Accepted, Sent
from streams.demo.loop.tales import End
from streams.demo.stories import HOUR
from tests.builders import CODEC, NOON

DELAYS = Delays(first_ms=2_000, factor=2)
HEARD_MS = 100
"""From a mail to what SES says of it."""
AFTER = NOON + HOUR

Put = tuple[str, str, dict[str, Any]]


def asked(count: int = 120, seed: int = 1) -> tuple[LoopLedger, list[Put]]:
    """Return a ledger, and what was handed in; every cue is there at once."""
    ledger, put = LoopLedger(), []
    tales = Requests(count=count, seed=seed, ledger=ledger).tales()
    clerk = Clerk(tales, ledger=ledger, seen=lambda _, __: True, put=lambda *one: put.append(one))
    now = NOON
    while not clerk.finished:
        clerk.begin(10, now)
        clerk.follow_up(now)
        now += 500
    return ledger, put


@dataclass(slots=True)
class Evidence:
    """What came out: records by topic's role, and the simulator's own list."""

    ledger: LoopLedger
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    stops: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    loops: list[str] = field(default_factory=list)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    retries: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)

    def audit(self) -> LoopAudit:
        """Return an audit that has taken all of it."""
        audit = LoopAudit(self.ledger, CODEC)
        for record in self.outcomes:
            audit.outcome(CODEC.encode("mail.Outcome", record))
        for person, stop in self.stops.items():
            audit.suppression(person.encode(), None if stop is None else CODEC.encode("mail.Suppression", stop))
        for person in self.loops:
            flag = {"recipient": person, "local_address": "a@shop.example", "since": NOON, "until": NOON}
            audit.loop(person.encode(), CODEC.encode("mail.LoopFlag", flag))
        for person, wait in self.waiting.items():
            audit.waiting(person.encode(), CODEC.encode("mail.Waiting", wait))
        for retry in self.retries:
            audit.retry(CODEC.encode("mail.Retry", retry))
        return audit

    def verdict(self) -> LoopVerdict:
        """Return how it is judged."""
        return Judge(self.ledger, self.audit(), Sent(self.accepted), DELAYS).verdict(AFTER)

    def says(self, key: LineKey, attempt: int, kind: str, at: int, message_id: str | None) -> None:
        """Add an outcome."""
        self.outcomes.append(
            {
                "kind": kind,
                "occurred_at": at,
                "recipient": key.recipient,
                "outcome_id": f"{key.request_id}-{key.recipient}-{attempt}-{kind}-{message_id}",
                "message_id": message_id,
                "attempt": attempt,
                "request_id": key.request_id,
                "matched": message_id is not None,
            }
        )

    def mail(self, key: LineKey, attempt: int, at: int, *others: str) -> str:
        """Let the simulator take a mail; return its id."""
        message_id = f"{len(self.accepted):06d}"
        self.accepted.append(Accepted(message_id, at, key.request_id, attempt, (key.recipient, *others)))
        return message_id


def good(count: int = 120, seed: int = 1) -> Evidence:
    """Return what comes out where all is well."""
    ledger, _ = asked(count, seed)
    evidence = Evidence(ledger)
    last: dict[LineKey, int] = {}
    for key, line in ledger.lines.items():
        assert line.asked_at is not None
        begun = line.asked_at if line.not_before is None else max(line.asked_at, line.not_before)
        at = max(begun, last.get(LineKey(line.behind or "", key.recipient), 0)) + 10
        for attempt, kinds in enumerate(line.fate.said, 1):
            mailed = attempt <= line.fate.mails
            message_id = evidence.mail(key, attempt, at) if mailed else None
            last[key] = at
            for kind in kinds:
                evidence.says(key, attempt, kind, at + HEARD_MS, message_id)
            if attempt > 1:
                evidence.retries.append(_retry(key, attempt, at))
            at += HEARD_MS + 2_000 * 2 ** (attempt - 1)
        if line.fate.end is End.WAITING and line.fate.mails:
            due = {"request_id": key.request_id, "attempt": 2, "due_at": AFTER + HOUR}
            evidence.waiting[key.recipient] = _waiting(key.recipient, due)
    evidence.stops = {person: _stop(person, reason) for person, reason in ledger.stops.items()}
    evidence.loops = sorted(ledger.loops)
    return evidence


def _retry(key: LineKey, attempt: int, at: int) -> dict[str, Any]:
    return {"request_id": key.request_id, "recipient": key.recipient, "attempt": attempt, "due_at": at}


def _waiting(person: str, retry: dict[str, Any]) -> dict[str, Any]:
    return {"recipient": person, "holding": True, "since": NOON, "retries": [retry]}


def _stop(person: str, reason: str) -> dict[str, Any]:
    return {"recipient": person, "reason": reason, "since": NOON}

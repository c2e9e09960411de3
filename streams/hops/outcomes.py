"""What hop 1 says: one Outcome per recipient that an event is about, and the counts that go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from streams.decide import lifecycle
from streams.decide.marks import SES_LIST_WORDS
from streams.emit.outcome import OutcomeWriter
from streams.hops.reading import Judged, Reading, SaidFeedback
from streams.mail.feedback import FeedbackKind
from streams.mail.life import Life
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord, SentRecord
from streams.pipeline import Batch, Effects

NOT_SENT = SES_LIST_WORDS - {"suppressed"}
"""Sub-types of bounces that SES does not rate, because it sent nothing; its global list it does rate."""


class Outcomes:
    """Gathers what SES says of the messages of one chunk, as outcomes, and writes them all at its end."""

    def __init__(self, reading: Reading, counts: Counter[tuple[str, ...]], latencies: dict[str, list[int]]) -> None:
        """Begin with none; *counts* and *latencies* are the chunk's."""
        self._reading = reading
        self._counts = counts
        self._latencies = latencies
        self._said: list[tuple[OutcomeRecord, bytes | None, bytes]] = []

    def add(self, life: Life, said: SaidFeedback, judged: Sequence[Judged]) -> Life:
        """Note an outcome per recipient, joined with the life's Send where it has one; return the life after it."""
        if life.send is not None and not judged[0].verdict.recipient:
            judged = self._reading.judge(said, self._reading.sent_to(life.send))
        self.note(life.send, said, judged)
        return lifecycle.reach(life, [one.verdict for one in judged], said.feedback["occurred_at"])

    def note(self, record: bytes | None, said: SaidFeedback, judged: Sequence[Judged]) -> None:
        """Note an outcome per recipient, joined with the Send *record* where there is one."""
        send = None if record is None else self._reading.sent(record)
        stream = self._reading.stream_of(said) if send is None else send["stream"]
        for one in judged:
            outcome = _outcome(said, one, send, stream)
            self._said.append((outcome, record, said.record))
            self._count(outcome, said)

    def late(self, life: Life, said: SaidFeedback, fresh: Sequence[bytes]) -> Life:
        """Note the outcomes of feedback that was parked; *fresh* are the marks that it was the first to bring."""
        judged = [one for one in self._reading.judge(said) if one.mark in fresh]
        return self.add(life, said, judged)

    def write(self, effects: Effects, writer: OutcomeWriter) -> None:
        """Write all outcomes to the effects, in the order in which they were noted."""
        if not self._said:
            return
        batch = effects.outputs.setdefault("outcomes", Batch())
        batch.keys += [outcome["recipient"].encode() for outcome, _, _ in self._said]
        batch.values += [writer.write(outcome, send, feedback) for outcome, send, feedback in self._said]

    def _count(self, outcome: OutcomeRecord, said: SaidFeedback) -> None:
        """Count an outcome; the domain becomes a mailbox provider before anybody sees it."""
        counts, kind = self._counts, outcome["kind"]
        domain = outcome["recipient"].rpartition("@")[2]
        counts["ses_outcomes_total", outcome["stream"], kind, domain] += 1
        if kind == OutcomeKind.DELIVERED:
            if outcome["latency_ms"] is not None:
                self._latencies.setdefault(domain, []).append(outcome["latency_ms"])
            return
        feedback = said.feedback
        if feedback["kind"] == FeedbackKind.BOUNCE:
            subtype = feedback["bounce_subtype"] or ""
            counts["ses_bounces_total", feedback["bounce_type"] or "", subtype] += 1
            if subtype.lower() in NOT_SENT:
                counts["ses_listed_bounces_total", outcome["stream"]] += 1
        elif feedback["kind"] == FeedbackKind.COMPLAINT:
            counts["ses_complaints_total", feedback["complaint_type"] or ""] += 1
        if kind == OutcomeKind.AUTO_REPLIED:
            counts["ses_auto_replies_total",] += 1


def _outcome(said: SaidFeedback, one: Judged, send: SentRecord | None, stream: str) -> OutcomeRecord:
    """Return an outcome's own fields."""
    verdict = one.verdict
    occurred_at = said.feedback["occurred_at"]
    return {
        "kind": verdict.kind,
        "occurred_at": occurred_at,
        "certain": verdict.certain,
        "matched": send is not None,
        "recipient": verdict.recipient,
        "outcome_id": one.outcome_id,
        "message_id": said.feedback["message_id"],
        "reason": verdict.reason,
        "status": verdict.status,
        "stream": stream,
        "request_id": None if send is None else send["request_id"],
        "attempt": 1 if send is None else send["attempt"],
        "latency_ms": None if send is None or not occurred_at else max(occurred_at - send["sent_at"], 0),
        "written": verdict.written,
    }

"""What hop 1 says: one Outcome per recipient that an event is about, and the counts that go with it."""

from __future__ import annotations

from collections.abc import Sequence

from streams.decide import lifecycle
from streams.emit.outcome import OutcomeWriter
from streams.hops.reading import Judged, Reading, SaidFeedback
from streams.mail.life import Life
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord, SentRecord
from streams.pipeline import Effects
from streams.schemas.codec import Codec


class Outcomes:
    """Turns what SES says of a message into outcomes."""

    def __init__(self, codec: Codec, reading: Reading) -> None:
        """Prepare the writer of outcomes."""
        self._reading = reading
        self._writer = OutcomeWriter(codec)

    def add(self, effects: Effects, life: Life, said: SaidFeedback, judged: Sequence[Judged]) -> Life:
        """Emit an outcome per recipient, joined with the life's Send where it has one; return the life after it."""
        send = None if life.send is None else self._reading.sent(life.send)
        if life.send is not None and not judged[0].verdict.recipient:
            judged = self._reading.judge(said, self._reading.sent_to(life.send))
        stream = self._reading.stream_of(said) if send is None else send["stream"]
        occurred_at = said.feedback["occurred_at"]
        for one in judged:
            outcome = _outcome(said, one, send, stream)
            value = self._writer.write(outcome, life.send, said.record)
            effects.emit("outcomes", outcome["recipient"].encode(), value)
            _count(effects, outcome, said)
        return lifecycle.reach(life, [one.verdict for one in judged], occurred_at)

    def late(self, effects: Effects, life: Life, said: SaidFeedback, fresh: Sequence[bytes]) -> Life:
        """Emit the outcomes of feedback that was parked; *fresh* are the marks that it was the first to bring."""
        judged = [one for one in self._reading.judge(said) if one.mark in fresh]
        return self.add(effects, life, said, judged)


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


def _count(effects: Effects, outcome: OutcomeRecord, said: SaidFeedback) -> None:
    """Count an outcome; the domain becomes a mailbox provider before anybody sees it."""
    counts, kind = effects.counts, outcome["kind"]
    domain = outcome["recipient"].rpartition("@")[2]
    counts["ses_outcomes_total", outcome["stream"], kind, domain] += 1
    if kind == OutcomeKind.DELIVERED:
        if outcome["latency_ms"] is not None:
            effects.latencies.setdefault(domain, []).append(outcome["latency_ms"])
        return
    feedback = said.feedback
    if feedback["kind"] == "BOUNCE":
        counts["ses_bounces_total", feedback["bounce_type"] or "", feedback["bounce_subtype"] or ""] += 1
    elif feedback["kind"] == "COMPLAINT":
        counts["ses_complaints_total", feedback["complaint_type"] or ""] += 1
    if kind == OutcomeKind.AUTO_REPLIED:
        counts["ses_auto_replies_total",] += 1

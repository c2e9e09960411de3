"""What hop 1 says: one Outcome per recipient that an event is about, and the counts that go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from streams.decide import lifecycle
from streams.decide.mailreport import is_mail_report
from streams.decide.marks import SES_LIST_WORDS
from streams.emit.outcome import OutcomeWriter
from streams.hops.reading import Judged, Reading, SaidFeedback
from streams.hops.settlements import Settlements
from streams.mail.feedback import FeedbackKind
from streams.mail.life import Life
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord, SentRecord
from streams.pipeline import Batch, Effects

NOT_SENT = SES_LIST_WORDS - {"suppressed"}
"""Sub-types of bounces that SES does not rate, because it sent nothing; its global list it does rate."""


class Outcomes:
    """Gathers what SES says of the messages of one chunk, as outcomes, and writes them all at its end."""

    def __init__(
        self,
        reading: Reading,
        counts: Counter[tuple[str, ...]],
        latencies: dict[str, list[int]],
        settlements: Settlements,
    ) -> None:
        """Begin with none; *counts*, *latencies* and *settlements* are the chunk's."""
        self._reading = reading
        self._settlements = settlements
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
        matched = record is not None
        send: SentRecord = self._reading.mail(said) if record is None else self._reading.sent(record)
        for one in judged:
            outcome = _outcome(said, one, send, matched=matched)
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
        if is_mail_report(feedback):
            counts["ses_mail_reports_total", outcome["stream"], kind] += 1
        if feedback["kind"] == FeedbackKind.BOUNCE:
            subtype = feedback["bounce_subtype"] or ""
            counts["ses_bounces_total", feedback["bounce_type"] or "", subtype] += 1
            if subtype.lower() in NOT_SENT:
                counts["ses_listed_bounces_total", outcome["stream"]] += 1
        elif feedback["kind"] == FeedbackKind.COMPLAINT:
            counts["ses_complaints_total", feedback["complaint_type"] or ""] += 1
        if kind == OutcomeKind.AUTO_REPLIED:
            counts["ses_auto_replies_total",] += 1
            self._settlements.answered(outcome)


def _outcome(said: SaidFeedback, one: Judged, send: SentRecord, *, matched: bool) -> OutcomeRecord:
    """Return an outcome's own fields; *send* is what the mail's tags say of it where it is not *matched*."""
    verdict = one.verdict
    occurred_at = said.feedback["occurred_at"]
    return {
        "kind": verdict.kind,
        "occurred_at": occurred_at,
        "certain": verdict.certain,
        "matched": matched,
        "recipient": verdict.recipient,
        "outcome_id": one.outcome_id,
        "message_id": said.feedback["message_id"],
        "reason": verdict.reason,
        "status": verdict.status,
        "stream": send["stream"],
        "request_id": send["request_id"],
        "attempt": send["attempt"],
        "latency_ms": max(occurred_at - send["sent_at"], 0) if matched and occurred_at else None,
        "written": verdict.written,
    }

"""What hop 1 says: one Outcome per recipient that an event is about, and the counts that go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from streams.decide import lifecycle
from streams.decide.mailreport import is_mail_report
from streams.decide.marks import SES_LIST_WORDS
from streams.emit.outcome import OutcomeWriter
from streams.hops.reading import Judged, Reading, SaidFeedback
from streams.hops.settlements import Settlements
from streams.mail.feedback import FeedbackKind
from streams.mail.life import Life
from streams.mail.outcome import OutcomeKind
from streams.mail.records import FeedbackRecord, OutcomeRecord, SentRecord
from streams.pipeline import Batch, Effects
from streams.state.lives import KINDS

if TYPE_CHECKING:
    from ses_streams_kernel import Tally

NOT_SENT = SES_LIST_WORDS - {"suppressed"}
"""Sub-types of bounces that SES does not rate, because it sent nothing; its global list it does rate."""


class About(NamedTuple):
    """What is counted of an event: its kind, its type and sub-type in SES's words, and whether it came as a mail."""

    kind: str
    type: str
    subtype: str
    by_mail: bool


def about_of(feedback: FeedbackRecord) -> About:
    """Return what is counted of an event."""
    kind = feedback["kind"]
    if kind == FeedbackKind.BOUNCE:
        return About(kind, feedback["bounce_type"] or "", feedback["bounce_subtype"] or "", is_mail_report(feedback))
    return About(kind, feedback["complaint_type"] or "", "", is_mail_report(feedback))


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
        self.keys: list[bytes] = []
        self.values: list[bytes | None] = []
        self._unwritten: list[tuple[int, OutcomeRecord, bytes | None, bytes]] = []

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
        about = about_of(said.feedback)
        for one in judged:
            outcome = _outcome(said, one, send, matched=matched)
            self._unwritten.append((len(self.keys), outcome, record, said.record))
            self.keys.append(outcome["recipient"].encode())
            self.values.append(None)
            self._count(outcome, about)

    def late(self, life: Life, said: SaidFeedback, fresh: Sequence[bytes]) -> Life:
        """Note the outcomes of feedback that was parked; *fresh* are the marks that it was the first to bring."""
        judged = [one for one in self._reading.judge(said) if one.mark in fresh]
        return self.add(life, said, judged)

    def tallied(self, tally: Tally) -> None:
        """Count outcomes that the short way has written."""
        latencies, kind = tally.latencies, tally.judgement.kind
        self._counts["ses_outcomes_total", tally.stream, KINDS[kind], tally.domain] += tally.count
        if latencies:
            self._latencies.setdefault(tally.domain, []).extend(latencies)
        self._count_about(KINDS[kind], tally.stream, tally.judgement.about, tally.count)

    def write(self, effects: Effects, writer: OutcomeWriter) -> None:
        """Write all outcomes to the effects, in the order in which they were noted."""
        if not self.keys:
            return
        for place, outcome, send, feedback in self._unwritten:
            self.values[place] = writer.write(outcome, send, feedback)
        batch = effects.outputs.setdefault("outcomes", Batch())
        batch.keys += self.keys
        batch.values += self.values

    def _count(self, outcome: OutcomeRecord, about: About) -> None:
        """Count an outcome; the domain becomes a mailbox provider before anybody sees it."""
        kind = outcome["kind"]
        domain = outcome["recipient"].rpartition("@")[2]
        self._counts["ses_outcomes_total", outcome["stream"], kind, domain] += 1
        if kind == OutcomeKind.DELIVERED:
            if outcome["latency_ms"] is not None:
                self._latencies.setdefault(domain, []).append(outcome["latency_ms"])
            return
        self._count_about(kind, outcome["stream"], about, 1)
        if kind == OutcomeKind.AUTO_REPLIED:
            self._counts["ses_auto_replies_total",] += 1
            self._settlements.answered(outcome)

    def _count_about(self, kind: str, stream: str, about: About, count: int) -> None:
        """Count what SES said, *count* times."""
        counts = self._counts
        if about.by_mail:
            counts["ses_mail_reports_total", stream, kind] += count
        if about.kind == FeedbackKind.BOUNCE:
            counts["ses_bounces_total", about.type, about.subtype] += count
            if about.subtype.lower() in NOT_SENT:
                counts["ses_listed_bounces_total", stream] += count
        elif about.kind == FeedbackKind.COMPLAINT:
            counts["ses_complaints_total", about.type] += count


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

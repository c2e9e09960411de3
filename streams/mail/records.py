"""The facts as they are read from Avro: dictionaries with names and types, so that reading one costs nothing more.

Each is the hot beginning of its schema (schemas/mail.*.avsc), field for field. Times are ms since the epoch, UTC.
Rules take these; the dataclasses beside them are for facts that are made here.
"""

from __future__ import annotations

from typing import TypedDict


class SentRecord(TypedDict):
    """What an outcome says of its send: the first fields of mail.Send."""

    sent_at: int
    message_id: str
    stream: str
    attempt: int
    request_id: str | None


class SendRecord(SentRecord):
    """The hot part of mail.Send: one attempt that SES accepted."""

    recipients: list[str]
    from_address: str
    configuration_set: str | None
    in_reply_to: str | None
    via: str


class RecipientRecord(TypedDict):
    """One recipient that an event is about."""

    address: str
    status: str | None
    action: str | None
    diagnostic: str | None
    written: str | None


class FeedbackRecord(TypedDict):
    """The hot part of mail.Feedback: one SES event."""

    kind: str
    occurred_at: int
    feedback_id: str
    message_id: str
    recipients: list[RecipientRecord]
    bounce_type: str | None
    bounce_subtype: str | None
    complaint_type: str | None
    complaint_subtype: str | None
    delay_type: str | None
    reason: str | None
    reporting_mta: str | None


class OutcomeRecord(TypedDict):
    """The hot part of mail.Outcome: what became of one message for one recipient."""

    kind: str
    occurred_at: int
    certain: bool
    matched: bool
    recipient: str
    outcome_id: str
    message_id: str | None
    reason: str
    status: str | None
    stream: str
    request_id: str | None
    attempt: int
    latency_ms: int | None
    written: str | None


class InstructionRecord(TypedDict):
    """mail.Instruction: what an operator has decided about one recipient."""

    recipient: str
    action: str
    at: int
    by: str
    why: str
    reason: str
    scope: str
    until: int | None
    request_id: str | None
    written: str | None

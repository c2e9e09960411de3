"""What SES says became of a mail: one event, as mail.Feedback carries it (schemas/mail.Feedback.avsc).

Times are milliseconds since the epoch, UTC. What SES calls a type or sub-type stays text, because SES may say a new
word tomorrow; only the kind is a closed list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FeedbackKind(StrEnum):
    """What SES reports."""

    UNKNOWN = "UNKNOWN"
    SEND = "SEND"
    DELIVERY = "DELIVERY"
    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"
    REJECT = "REJECT"
    DELIVERY_DELAY = "DELIVERY_DELAY"
    RENDERING_FAILURE = "RENDERING_FAILURE"
    OPEN = "OPEN"
    CLICK = "CLICK"
    SUBSCRIPTION = "SUBSCRIPTION"
    AUTO_REPLY = "AUTO_REPLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRecipient:
    """One recipient that an event is about; *written* is the address as SES wrote it, where that differs."""

    address: str
    status: str | None = None
    action: str | None = None
    diagnostic: str | None = None
    written: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One SES event; field for field the record mail.Feedback, in the schema's order."""

    kind: FeedbackKind
    occurred_at: int
    feedback_id: str
    message_id: str
    recipients: tuple[FeedbackRecipient, ...] = ()
    bounce_type: str | None = None
    bounce_subtype: str | None = None
    complaint_type: str | None = None
    complaint_subtype: str | None = None
    delay_type: str | None = None
    reason: str | None = None
    reporting_mta: str | None = None
    source: str | None = None
    destination: tuple[str, ...] = ()
    sent_at: int | None = None
    tags: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, list[str]] = field(default_factory=dict)
    smtp_response: str | None = None
    remote_mta_ip: str | None = None
    processing_ms: int | None = None
    expires_at: int | None = None
    arrived_at: int | None = None
    user_agent: str | None = None
    ip_address: str | None = None
    link: str | None = None
    link_tags: dict[str, list[str]] = field(default_factory=dict)
    template: str | None = None
    contact_list: str | None = None
    raw: str = ""

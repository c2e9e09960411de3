"""What became of one message for one recipient (schemas/mail.Outcome.avsc)."""

from __future__ import annotations

from enum import StrEnum


class OutcomeKind(StrEnum):
    """What became of it; the last four come from dispatch."""

    UNKNOWN = "UNKNOWN"
    DELIVERED = "DELIVERED"
    HARD_BOUNCED = "HARD_BOUNCED"
    SOFT_BOUNCED = "SOFT_BOUNCED"
    COMPLAINED = "COMPLAINED"
    REJECTED = "REJECTED"
    RENDERING_FAILED = "RENDERING_FAILED"
    DELAYED = "DELAYED"
    AUTO_REPLIED = "AUTO_REPLIED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    NOT_SPAM = "NOT_SPAM"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"
    LOOPING = "LOOPING"
    EXPIRED = "EXPIRED"

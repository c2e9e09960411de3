"""Whom we must not write to, why, and on what evidence (schemas/mail.Suppression.avsc)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.mail.outcome import OutcomeKind

EVERY_STREAM = "*"


class SuppressionReason(StrEnum):
    """Why we must not write."""

    UNKNOWN = "UNKNOWN"
    HARD_BOUNCE = "HARD_BOUNCE"
    COMPLAINT = "COMPLAINT"
    SUSPECTED_COMPLAINT = "SUSPECTED_COMPLAINT"
    SOFT_BOUNCES = "SOFT_BOUNCES"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    SES_LIST = "SES_LIST"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One event on which a suppression rests."""

    message_id: str | None
    kind: OutcomeKind
    status: str | None = None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A person we must not write to; *until* None is for good, *scope* is `*` or the first of *streams*."""

    recipient: str
    reason: SuppressionReason
    scope: str = EVERY_STREAM
    since: int
    until: int | None = None
    evidence: tuple[Evidence, ...] = ()
    by: str = "ses-streams"
    streams: tuple[str, ...] = ()
    written: str | None = None

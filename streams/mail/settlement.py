"""What SES's own events say about a send request, as mail.Settlement carries it (schemas/mail.Settlement.avsc)."""

from __future__ import annotations

from enum import StrEnum
from typing import TypedDict


class SettlementKind(StrEnum):
    """What is settled."""

    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    """SES has a mail of the request, whatever dispatch heard of it."""
    AUTO_REPLIED = "AUTO_REPLIED"
    """A machine answered a mail of the request."""


class SettlementRecord(TypedDict):
    """A whole mail.Settlement; *at* is ms since the epoch."""

    request_id: str
    kind: SettlementKind
    at: int
    attempt: int
    recipient: str
    message_id: str | None
    recipients: list[str]

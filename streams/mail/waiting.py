"""What waits to be sent to one recipient again, as it is announced (schemas/mail.Waiting.avsc)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRetry:
    """One retry that is planned; *due_at* is ms since the epoch."""

    request_id: str
    attempt: int
    due_at: int
    because: str
    message_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits. *holding*: newer requests to this recipient wait too. *probe_at*: when the one asked, None if none.

    since: when the first of it bounced or was refused. Times are ms since the epoch.
    """

    recipient: str
    holding: bool
    since: int
    probe_at: int | None
    retries: tuple[WaitingRetry, ...]

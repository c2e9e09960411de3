"""Two machines that answer each other: the replies that are counted, and the flag that they raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Reply(NamedTuple):
    """One auto-reply. The field order is the sort order, so that equal sets of replies are equal lists.

    id: first 8 bytes of its outcome's id. local: our address that was answered, empty where it is unknown.
    answering: whether the mail that was answered was itself an answer (it had in_reply_to).
    """

    at: int
    id: bytes
    local: str
    message_id: str | None
    answering: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEvidence:
    """One auto-reply that was counted."""

    message_id: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFlag:
    """A recipient whose machine answers our machine (schemas/mail.LoopFlag.avsc); times in ms since the epoch."""

    recipient: str
    local_address: str
    replies: int
    window_seconds: int
    since: int
    until: int
    evidence: tuple[LoopEvidence, ...]

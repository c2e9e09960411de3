"""What is to be sent again, to one recipient: what waits, what was let go, and what is never to go again.

A wait is a fact and not a plan: this request bounced softly, or was refused for now, and its next attempt falls due
then. Whether it goes is worked out each time from what else is known, so that the order of events cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

FOR_EVER = 0x7FFF_FFFF
"""Greater than any attempt: nothing of that request, or of that message, is sent again."""

ALL_REQUESTS = bytes(8)
"""Stands for every request to a recipient, where otherwise one request's key stands."""


class WaitKind(StrEnum):
    """What a retry waits for; the order of this list is stored, so new kinds go to its end."""

    HELD = "HELD"
    """Its time, and its turn: after a soft bounce one retry asks the mailbox, the rest wait for the answer."""
    REFUSED = "REFUSED"
    """Its time alone: SES refused the request, the mailbox was not asked."""
    FREE = "FREE"
    """Nothing any more: the mailbox has answered."""


class Wait(NamedTuple):
    """A retry that is planned.

    attempt: the one to come. at: when the attempt before it bounced or was refused. because: outcome kind and reason.
    shown: whether it was announced as waiting. Times are ms since the epoch.
    """

    request_id: str
    attempt: int
    at: int
    due_at: int
    kind: WaitKind
    because: str
    message_id: str | None
    stream: str
    shown: bool = False


class Probe(NamedTuple):
    """The one retry that asks the mailbox for all that wait.

    since: when its bounce was. at: when it was let go (ms); NEVER (0) while it waits for its own next attempt.
    """

    request_id: str
    attempt: int
    since: int
    at: int


class Spent(NamedTuple):
    """No attempt up to and including *attempt* is planned any more; *key* stands for a request or for a message."""

    key: bytes
    attempt: int
    at: int


class CalledOff(NamedTuple):
    """An operator has called off what bounced up to *at*: of one request, or ALL_REQUESTS."""

    key: bytes
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A request that is due to be sent again to one recipient (schemas/mail.Retry.avsc)."""

    request_id: str
    recipient: str
    attempt: int
    due_at: int
    because: str
    message_id: str | None

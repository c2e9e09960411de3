"""How a recipient stands with us: the marks against them, and what speaks for them.

A standing holds what happened, not what follows from it: whether to write to somebody is worked out from the marks
each time, so that neither the order nor a repeat of the events can change the answer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from streams.mail.loop import Reply
from streams.mail.retry import CalledOff, Probe, Spent, Wait
from streams.mail.suppression import SuppressionReason

NEVER = 0
"""No time: before anything that SES could report."""


class MarkKind(StrEnum):
    """What kind of mark it is; the order of this list is stored, so new kinds go to its end."""

    HARD_BOUNCE = "HARD_BOUNCE"
    COMPLAINT = "COMPLAINT"
    SES_LIST = "SES_LIST"
    SUSPICION = "SUSPICION"
    SOFT_BOUNCE = "SOFT_BOUNCE"
    UNSUBSCRIBE = "UNSUBSCRIBE"


class Mark(NamedTuple):
    """One event that speaks against writing to a recipient; *id* is the first 8 bytes of its outcome's id.

    The field order is the sort order: by time, then by id, so that equal sets of marks are equal lists.
    """

    at: int
    id: bytes
    kind: MarkKind
    message_id: str | None
    status: str | None
    stream: str


class Order(NamedTuple):
    """An operator's word that nobody writes to a recipient: every stream (`*`) or one, until a time or for good."""

    at: int
    scope: str
    reason: SuppressionReason
    until: int | None
    by: str


class Release(NamedTuple):
    """An operator's word that settles what speaks against a recipient up to *at*: all of it (`*`), or one stream's."""

    scope: str
    at: int


class Standing(NamedTuple):
    """How a recipient stands.

    delivered_at: the last delivery. forgiven_at: the last certain `not-spam`; doubt_cleared_at: the last possible one.
    touched_at: when the last record came. announced: a digest of what was last said on ses.suppressions, empty for
    nothing; said_loop and said_waiting: the same of ses.loops and ses.waiting. written: the address as SES wrote it,
    where that differs. cleared_at: auto-replies up to then count no more. probe: the one retry whose result decides
    over those that wait. look_at: when something about it ends by itself, as was last asked for. All times are ms
    since the epoch.
    """

    touched_at: int
    delivered_at: int = NEVER
    forgiven_at: int = NEVER
    doubt_cleared_at: int = NEVER
    announced: bytes = b""
    written: str | None = None
    marks: tuple[Mark, ...] = ()
    said_loop: bytes = b""
    said_waiting: bytes = b""
    look_at: int = NEVER
    cleared_at: int = NEVER
    orders: tuple[Order, ...] = ()
    releases: tuple[Release, ...] = ()
    replies: tuple[Reply, ...] = ()
    waits: tuple[Wait, ...] = ()
    probe: Probe | None = None
    spent: tuple[Spent, ...] = ()
    called_off: tuple[CalledOff, ...] = ()

"""The parts of an answer about a person: what was heard of them, what follows from it, and how to take that away."""

from __future__ import annotations

from enum import StrEnum

from streams.answers.said import Moment, Rule, Said
from streams.mail.suppression import SuppressionReason


class EvidenceKind(StrEnum):
    """What was heard of somebody."""

    HARD_BOUNCE = "HARD_BOUNCE"
    COMPLAINT = "COMPLAINT"
    SES_LIST = "SES_LIST"
    SUSPICION = "SUSPICION"
    SOFT_BOUNCE = "SOFT_BOUNCE"
    UNSUBSCRIBE = "UNSUBSCRIBE"
    DELIVERY = "DELIVERY"
    NOT_SPAM = "NOT_SPAM"
    AUTO_REPLY = "AUTO_REPLY"
    ORDER = "ORDER"
    """An operator's word that nobody writes to them."""
    RELEASE = "RELEASE"
    """An operator's word that settles what was before it."""
    LOOP_CLEARED = "LOOP_CLEARED"
    RETRY_CANCELLED = "RETRY_CANCELLED"


class Evidence(Said):
    """One thing that was heard of somebody, and whether it counts."""

    at: Moment
    kind: EvidenceKind
    counts: bool
    """Whether it bears on the answer now."""
    because: Rule
    """The rule that makes it count, or not count."""
    until: Moment | None = None
    """When it stops counting by itself; null where it does not, or does not count."""
    message_id: str | None = None
    status: str | None = None
    """The enhanced status code (RFC 3463), where there is one."""
    stream: str | None = None
    by: str | None = None
    """The operator, where one decided."""


class Ground(Said):
    """One ground for not writing to somebody. Several may hold; the first that does is the one that is said."""

    reason: SuppressionReason
    holds: bool
    said: bool
    """Whether it is the one on ses.suppressions."""
    scope: str
    """`*` for every stream, or the stream."""
    since: Moment
    until: Moment | None
    """Null is for good."""
    by: str
    because: Rule
    undone_by: str
    """What takes it away."""


class Loop(Said):
    """Two machines that answer each other: while it is flagged, nothing answers them and nothing goes again."""

    local_address: str
    """Our address that is answered."""
    replies: int
    window_seconds: int
    since: Moment
    until: Moment
    because: Rule


class WaitsFor(StrEnum):
    """What a retry waits for."""

    TIME = "TIME"
    TURN = "TURN"
    """The retry that asks the mailbox, or is about to."""
    BARRED = "BARRED"
    """Whatever forbids writing to the recipient now; it is lost where that still holds when it is due."""


class RetryWaits(Said):
    """A mail that waits to be sent to somebody again."""

    request_id: str
    attempt: int
    due_at: Moment
    waits_for: WaitsFor
    because: str
    """What ended the attempt before it: an outcome's kind and reason."""
    rule: Rule
    message_id: str | None
    stream: str


class Lift(Said):
    """How to take away what stands against somebody."""

    does: str
    command: str | None
    """To be typed as it is; null where no command of ours does it."""

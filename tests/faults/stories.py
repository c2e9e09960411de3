"""What is told of a mail, in parts: records to publish, and what must come of them. Plain data, and no rule.

A story is whole or it is nothing: only when the broker has acknowledged all of its records does it count.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A record to publish. *slot*: when, in reordering windows after the story's beginning. *copies*: how often."""

    role: str
    key: bytes | None
    value: bytes | None
    slot: float = 0
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DueOutcome:
    """One event about one recipient must give this outcome. *matched*: a Send of its message was published."""

    feedback_id: str
    recipient: str
    message_id: str
    kind: str
    reason: str
    certain: bool
    matched: bool
    occurred_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSuppression:
    """How a recipient must stand at the end; an empty *reason*: not suppressed, but may have been for a while."""

    recipient: str
    message_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRetry:
    """A retry that must have gone out."""

    request_id: str
    recipient: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DueEnd:
    """How a request must end for one recipient: with an outcome of this kind, after so many attempts."""

    request_id: str
    recipient: str
    kind: str
    attempts: int


@dataclass(slots=True, kw_only=True)
class Story:
    """One story, and all that must come of it.

    sends and events: their bytes, by message id and by feedback id. letters: role, key and value of what must be set
    aside.
    """

    name: str
    number: int
    puts: list[Put] = field(default_factory=list)
    sends: dict[str, bytes] = field(default_factory=dict)
    events: dict[str, bytes] = field(default_factory=dict)
    outcomes: list[DueOutcome] = field(default_factory=list)
    suppressions: list[DueSuppression] = field(default_factory=list)
    retries: list[DueRetry] = field(default_factory=list)
    letters: list[tuple[str, bytes | None, bytes | None]] = field(default_factory=list)
    ends: list[DueEnd] = field(default_factory=list)
    stand_ins: int = 0
    published_at: int = 0
    """When the first of its records was handed to the producer, ms since the epoch."""

"""The numbers that an operator may set; the defaults are the product's (docs/rules.md says why).

All durations are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPolicy:
    """How long a message is waited for and remembered.

    park: feedback without its Send waits this long for it. unanswered: a Send without feedback is counted after this.
    forget: a message is forgotten this long after its last event.
    """

    park: int = 30 * MINUTE
    unanswered: int = 3 * DAY
    forget: int = 14 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionPolicy:
    """When we stop writing to somebody, and for how long.

    soft_bounces in a row over at least soft_span suppress for soft_pause, doubling each time.
    A suspected complainer is left alone for suspicion. A recipient without a mark is forgotten after forget.
    """

    soft_bounces: int = 5
    soft_span: int = 72 * HOUR
    soft_pause: int = 30 * DAY
    suspicion: int = 30 * DAY
    forget: int = 90 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every number of the rules."""

    join: JoinPolicy = JoinPolicy()
    suppression: SuppressionPolicy = SuppressionPolicy()

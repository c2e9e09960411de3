"""What an answer says: `Why` about a person, `Trace` about a mail. The command prints it, the API serves it.

Every conclusion names its rule, and every rule a section of docs/rules.md. Times are ISO 8601 in UTC, to the
millisecond. An answer holds addresses and message ids: whoever hands it out sees to it who asks. Nothing is decided
here.
"""

from __future__ import annotations

from enum import StrEnum

from streams.answers.evidence import Evidence, Ground, Lift, Loop, RetryWaits
from streams.answers.said import Moment, Said
from streams.answers.steps import Ahead, Furthest, Search, Step
from streams.mail.suppression import SuppressionReason


class Verdict(StrEnum):
    """Whether we may write to somebody."""

    YES = "YES"
    SOME_STREAMS = "SOME_STREAMS"
    """Every sending stream but those that are named."""
    NO = "NO"


class Why(Said):
    """Whether we may write to somebody, and why."""

    recipient: str
    written: str | None = None
    """The address as SES wrote it, where that differs: SES's own list wants exact case."""
    asked_at: Moment
    known: bool
    """Whether anything is remembered of them."""
    verdict: Verdict
    answer: str
    """The answer in a sentence."""
    reason: SuppressionReason | None = None
    scope: str | None = None
    streams: tuple[str, ...] = ()
    """Single streams that must not write to them."""
    since: Moment | None = None
    until: Moment | None = None
    """Null is for good, where they are suppressed."""
    by: str | None = None
    grounds: tuple[Ground, ...] = ()
    """Strongest first."""
    evidence: tuple[Evidence, ...] = ()
    """By time."""
    loop: Loop | None = None
    holding: bool = False
    """Whether newer requests to them wait for a retry's result."""
    probe_at: Moment | None = None
    """When the retry went out whose result is awaited."""
    retries: tuple[RetryWaits, ...] = ()
    lift: tuple[Lift, ...] = ()
    delivered_at: Moment | None = None
    heard_at: Moment | None = None
    """When the last record about them came."""


class Trace(Said):
    """The life of one mail, from its request to the last that SES said of it."""

    message_id: str
    asked_at: Moment
    known: bool
    """Whether anything is remembered, or was found, of it."""
    answer: str
    """The answer in a sentence."""
    request_id: str | None = None
    attempt: int | None = None
    stream: str | None = None
    from_address: str | None = None
    recipients: tuple[str, ...] = ()
    via: str | None = None
    sent_at: Moment | None = None
    matched: bool = False
    """Whether its Send is known; SES's own SEND event stands in for it where *stand_in* is said."""
    stand_in: bool = False
    steps: tuple[Step, ...] = ()
    """In the order in which they happened."""
    furthest: tuple[Furthest, ...] = ()
    search: Search
    ahead: tuple[Ahead, ...] = ()
    """The nearest first."""
    others: tuple[str, ...] = ()
    """Message ids of the request's other attempts, as far as they were found."""

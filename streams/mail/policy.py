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
class RetryPolicy:
    """When a mail that bounced softly, or that SES refused for now, is sent again.

    The first retry comes first after the bounce (mailbox_full after that sub-type), each further one factor times
    later; at most `most` of them. jitter spreads them by that part of the delay, up or down. Newer requests to the
    recipient wait for what becomes of a retry, at most for silence.
    """

    first: int = 2 * HOUR
    factor: int = 4
    mailbox_full: int = 24 * HOUR
    most: int = 3
    jitter: float = 0.2
    silence: int = 2 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPolicy:
    """When two machines answer each other.

    windows: so many auto-replies, to mails of ours each, within so long. flag: how long a pair is flagged the first
    time; each time after doubles it, up to longest.
    """

    windows: tuple[tuple[int, int], ...] = ((2, 10 * MINUTE), (3, HOUR), (5, DAY))
    flag: int = DAY
    longest: int = 30 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPolicy:
    """How requests become mails.

    doubt: a request of which it is not known whether SES has it waits this long for SES's word before it is tried
    again. call: no call to SES takes longer. tries: calls that SES may refuse for now, a few seconds apart, before
    the request ends as FAILED. forget: a request is remembered this long after its last event; answered: one that a
    machine has answered, this long, so that nobody sends it again under its id.
    """

    doubt: int = 10 * MINUTE
    call: int = 30_000
    tries: int = 4
    forget: int = 7 * DAY
    answered: int = 90 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a stream pauses itself, before SES pauses the account (docs/rules.md).

    Ratios over the sends of the last window; below min_sends they say nothing.
    """

    bounce_ratio: float = 0.08
    complaint_ratio: float = 0.004
    min_sends: int = 1000
    window: int = DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every number of the rules."""

    join: JoinPolicy = JoinPolicy()
    suppression: SuppressionPolicy = SuppressionPolicy()
    retry: RetryPolicy = RetryPolicy()
    loops: LoopPolicy = LoopPolicy()
    dispatch: DispatchPolicy = DispatchPolicy()
    breaker: BreakerPolicy = BreakerPolicy()

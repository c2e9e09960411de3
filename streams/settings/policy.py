"""From an operator's words to the policy that the rules take: days and hours become milliseconds, once."""

from __future__ import annotations

from streams.mail.policy import (
    DAY,
    HOUR,
    MINUTE,
    BreakerPolicy,
    DispatchPolicy,
    JoinPolicy,
    LoopPolicy,
    Policy,
    RetryPolicy,
    SuppressionPolicy,
)
from streams.settings.dispatch import Dispatch
from streams.settings.words import Loops, Retry, Settings


def policy_of(settings: Settings) -> Policy:
    """Return the policy that *settings* ask for."""
    join, suppression = settings.join, settings.suppression
    return Policy(
        join=JoinPolicy(
            park=round(join.park_minutes * MINUTE),
            unanswered=join.unanswered_days * DAY,
            forget=join.forget_days * DAY,
        ),
        suppression=SuppressionPolicy(
            soft_bounces=suppression.soft_bounces,
            soft_span=suppression.soft_bounce_hours * HOUR,
            soft_pause=suppression.soft_bounce_days * DAY,
            suspicion=suppression.suspicion_days * DAY,
            forget=suppression.forget_days * DAY,
        ),
        retry=_retry(settings.retry),
        loops=_loops(settings.loops),
        dispatch=_dispatch(settings.dispatch),
        breaker=_breaker(settings.dispatch),
    )


def _retry(retry: Retry) -> RetryPolicy:
    """Return when to send again."""
    return RetryPolicy(
        first=round(retry.first_minutes * MINUTE),
        factor=retry.factor,
        mailbox_full=round(retry.mailbox_full_minutes * MINUTE),
        most=retry.most,
        jitter=retry.jitter_percent / 100,
        silence=round(retry.silence_minutes * MINUTE),
    )


def _loops(loops: Loops) -> LoopPolicy:
    """Return when two machines answer each other."""
    return LoopPolicy(
        windows=((loops.in_ten_minutes, 10 * MINUTE), (loops.in_hour, HOUR), (loops.in_day, DAY)),
        flag=round(loops.flag_hours * HOUR),
        longest=loops.longest_days * DAY,
    )


def _dispatch(dispatch: Dispatch) -> DispatchPolicy:
    """Return how requests become mails."""
    return DispatchPolicy(
        doubt=round(dispatch.doubt_minutes * MINUTE),
        call=dispatch.call_timeout_ms,
        tries=dispatch.tries,
        forget=dispatch.forget_days * DAY,
    )


def _breaker(dispatch: Dispatch) -> BreakerPolicy:
    """Return when a stream pauses itself."""
    breaker = dispatch.breaker
    return BreakerPolicy(
        bounce_ratio=breaker.bounce_percent / 100,
        complaint_ratio=breaker.complaint_percent / 100,
        min_sends=breaker.min_sends,
        window=breaker.window_minutes * MINUTE,
    )

"""From an operator's words to the policy that the rules take: days and hours become milliseconds, once."""

from __future__ import annotations

from streams.mail.policy import DAY, HOUR, MINUTE, JoinPolicy, Policy, SuppressionPolicy
from streams.settings.words import Settings


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
    )

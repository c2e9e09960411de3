"""What hop 2 says: a suppression when somebody must not be written to, a null when they may be again.

A standing remembers what was last said about it, so the same thing is not said twice, and whatever changes it, be it
only the evidence, is said.
"""

from __future__ import annotations

from hashlib import blake2b

from streams.decide.suppression import judge
from streams.emit.records import suppression_record
from streams.mail.policy import SuppressionPolicy
from streams.mail.standing import Standing
from streams.mail.suppression import SuppressionReason
from streams.pipeline import Effects
from streams.schemas.codec import Codec

REASONS = tuple(SuppressionReason)
NUMBERS = {reason: number for number, reason in enumerate(REASONS)}


class Announcer:
    """Says what follows from standings."""

    def __init__(self, codec: Codec, policy: SuppressionPolicy) -> None:
        """Keep the codec that writes suppressions and the policy that decides them."""
        self._codec = codec
        self._policy = policy

    def announce(self, key: bytes, standing: Standing, effects: Effects, now: int) -> tuple[Standing, int | None]:
        """Say what has changed; return the standing after it, and when (ms) what holds now ends by itself."""
        suppression = judge(key.decode(), standing, self._policy, now)
        if suppression is None:
            if standing.announced:
                effects.emit("suppressions", key, None)
                _recount(effects, standing.announced, b"")
            return standing._replace(announced=b""), None
        value = self._codec.encode("mail.Suppression", suppression_record(suppression))
        said = bytes([NUMBERS[suppression.reason]]) + blake2b(value, digest_size=7).digest()
        if said != standing.announced:
            effects.emit("suppressions", key, value)
            _recount(effects, standing.announced, said)
        return standing._replace(announced=said), suppression.until


def _recount(effects: Effects, was: bytes, now_is: bytes) -> None:
    """Move a recipient from one reason's count to another's; the first byte of what was said is its reason."""
    if was:
        effects.counts["ses_suppressions", REASONS[was[0]]] -= 1
    if now_is:
        effects.counts["ses_suppressions", REASONS[now_is[0]]] += 1

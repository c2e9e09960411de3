"""What hop 2 says under a recipient's key: whom not to write to, whose machine answers ours, what waits.

A standing remembers what was last said about it, so the same thing is not said twice, and whatever changes it, be it
only the evidence, is said. Where nothing holds any more, a null value says so.
"""

from __future__ import annotations

from hashlib import blake2b

from streams.decide.loops import loop_flag, prune_replies
from streams.decide.suppression import judge
from streams.decide.turn import waiting
from streams.emit.records import loop_record, suppression_record, waiting_record
from streams.mail.loop import LoopFlag
from streams.mail.policy import Policy
from streams.mail.standing import Standing
from streams.mail.suppression import Suppression, SuppressionReason
from streams.pipeline import Effects
from streams.schemas.codec import Codec

REASONS = tuple(SuppressionReason)
NUMBERS = {reason: number for number, reason in enumerate(REASONS)}


class Announcer:
    """Says what follows from standings."""

    def __init__(self, codec: Codec, policy: Policy) -> None:
        """Keep the codec that writes the records and the policy that decides them."""
        self._codec = codec
        self._policy = policy

    def suppression(
        self, key: bytes, standing: Standing, effects: Effects, now: int, *, anew: bool = False
    ) -> tuple[Standing, Suppression | None]:
        """Say whether we may write, where that has changed; return the standing after it, and why we may not.

        *anew* says it in any case: others may have put a record on ses.suppressions, of which a standing knows nothing.
        """
        suppression = judge(key.decode(), standing, self._policy.suppression, now)
        said, value = b"", None
        if suppression is not None:
            value = self._codec.encode("mail.Suppression", suppression_record(suppression))
            said = bytes([NUMBERS[suppression.reason]]) + _digest(value, 7)
        if anew or said != standing.announced:
            effects.emit("suppressions", key, value)
            _recount(effects, standing.announced, said)
            standing = standing._replace(announced=said)
        return standing, suppression

    def loop(self, key: bytes, standing: Standing, effects: Effects, now: int) -> tuple[Standing, LoopFlag | None]:
        """Say whether two machines answer each other, where that has changed; return the standing, and the flag."""
        standing = prune_replies(standing, self._policy.loops, now)
        flag = loop_flag(key.decode(), standing, self._policy.loops, now)
        value = None if flag is None else self._codec.encode("mail.LoopFlag", loop_record(flag))
        said = _digest(value)
        if said != standing.said_loop:
            effects.emit("loops", key, value)
            change = bool(said) - bool(standing.said_loop)
            if change:
                effects.counts["ses_loops",] += change
            standing = standing._replace(said_loop=said)
        return standing, flag

    def waiting(self, key: bytes, standing: Standing, effects: Effects) -> Standing:
        """Say what waits, where that has changed; return the standing after it."""
        waits = waiting(key.decode(), standing)
        value = None if waits is None else self._codec.encode("mail.Waiting", waiting_record(waits))
        said = _digest(value)
        if said != standing.said_waiting:
            effects.emit("waiting", key, value)
            standing = standing._replace(said_waiting=said)
        return standing


def _digest(value: bytes | None, size: int = 8) -> bytes:
    """Return what is remembered of a record that was said; nothing for a null."""
    return b"" if value is None else blake2b(value, digest_size=size).digest()


def _recount(effects: Effects, was: bytes, now_is: bytes) -> None:
    """Move a recipient from one reason's count to another's; the first byte of what was said is its reason."""
    if was:
        effects.counts["ses_suppressions", REASONS[was[0]]] -= 1
    if now_is:
        effects.counts["ses_suppressions", REASONS[now_is[0]]] += 1

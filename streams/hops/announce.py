"""What hop 2 says under a recipient's key: whom not to write to, whose machine answers ours, what waits.

A standing remembers what was last said about it, so the same thing is not said twice, and whatever changes it, be it
only the evidence, is said. Where nothing holds any more, a null value says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

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


class Wavers(NamedTuple):
    """What was one thing and then another, while the facts of a chunk were heard."""

    suppression: bool = False
    loop: bool = False
    waiting: bool = False


STEADY = Wavers()


class Announcer:
    """Says what follows from standings."""

    def __init__(self, codec: Codec, policy: Policy) -> None:
        """Keep the codec that writes the records and the policy that decides them."""
        self._codec = codec
        self._policy = policy

    def wavers(self, key: bytes, standings: Sequence[Standing], now: int) -> Wavers:
        """Return what *standings*, one after the other in a chunk, would have said differently.

        A worker that died may have published what one of them says, at the end of a shorter chunk, and remembered
        nothing of it. What differs is said in any case then, or a release that follows in this chunk would never come.
        """
        if len(standings) < 2:  # noqa: PLR2004 - one does not differ from itself
            return STEADY
        said = [
            (
                self._suppressed(key, standing, now)[2],
                self._looping(key, prune_replies(standing, self._policy.loops, now), now)[2],
                self._held(key, standing)[1],
            )
            for standing in standings
        ]
        return Wavers(*(len(set(answers)) > 1 for answers in zip(*said, strict=True)))

    def suppression(
        self, key: bytes, standing: Standing, effects: Effects, now: int, *, anew: bool = False
    ) -> tuple[Standing, Suppression | None]:
        """Say whether we may write, where that has changed; return the standing after it, and why we may not.

        *anew* says it in any case: others may have put a record on ses.suppressions, of which a standing knows nothing.
        """
        suppression, value, said = self._suppressed(key, standing, now)
        if anew or said != standing.announced:
            effects.emit("suppressions", key, value)
            _recount(effects, standing.announced, said)
            standing = standing._replace(announced=said)
        return standing, suppression

    def loop(
        self, key: bytes, standing: Standing, effects: Effects, now: int, *, anew: bool = False
    ) -> tuple[Standing, LoopFlag | None]:
        """Say whether two machines answer each other, where that has changed; return the standing, and the flag."""
        standing = prune_replies(standing, self._policy.loops, now)
        flag, value, said = self._looping(key, standing, now)
        if anew or said != standing.said_loop:
            effects.emit("loops", key, value)
            change = bool(said) - bool(standing.said_loop)
            if change:
                effects.counts["ses_loops",] += change
            standing = standing._replace(said_loop=said)
        return standing, flag

    def waiting(self, key: bytes, standing: Standing, effects: Effects, *, anew: bool = False) -> Standing:
        """Say what waits, where that has changed; return the standing after it."""
        value, said = self._held(key, standing)
        if anew or said != standing.said_waiting:
            effects.emit("waiting", key, value)
            standing = standing._replace(said_waiting=said)
        return standing

    def _suppressed(self, key: bytes, standing: Standing, now: int) -> tuple[Suppression | None, bytes | None, bytes]:
        """Return why we may not write, its record, and what is remembered of that."""
        suppression = judge(key.decode(), standing, self._policy.suppression, now)
        if suppression is None:
            return None, None, b""
        value = self._codec.encode("mail.Suppression", suppression_record(suppression))
        return suppression, value, bytes([NUMBERS[suppression.reason]]) + _digest(value, 7)

    def _looping(self, key: bytes, standing: Standing, now: int) -> tuple[LoopFlag | None, bytes | None, bytes]:
        """Return the flag of a loop, its record, and what is remembered of that."""
        flag = loop_flag(key.decode(), standing, self._policy.loops, now)
        value = None if flag is None else self._codec.encode("mail.LoopFlag", loop_record(flag))
        return flag, value, _digest(value)

    def _held(self, key: bytes, standing: Standing) -> tuple[bytes | None, bytes]:
        """Return the record of what waits, and what is remembered of that."""
        waits = waiting(key.decode(), standing)
        value = None if waits is None else self._codec.encode("mail.Waiting", waiting_record(waits))
        return value, _digest(value)


def _digest(value: bytes | None, size: int = 8) -> bytes:
    """Return what is remembered of a record that was said; nothing for a null."""
    return b"" if value is None else blake2b(value, digest_size=size).digest()


def _recount(effects: Effects, was: bytes, now_is: bytes) -> None:
    """Move a recipient from one reason's count to another's; the first byte of what was said is its reason."""
    if was:
        effects.counts["ses_suppressions", REASONS[was[0]]] -= 1
    if now_is:
        effects.counts["ses_suppressions", REASONS[now_is[0]]] += 1

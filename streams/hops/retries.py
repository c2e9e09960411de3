"""What hop 2 lets go: the retries whose turn it is, on ses.retries, and the counts of what became of all of them.

What is counted is the difference between two standings, before a chunk and after it, so that a fact that comes twice
counts once.
"""

from __future__ import annotations

from streams.decide.retry import exhausts, label_of
from streams.decide.turn import Barred, Turn, take_turn
from streams.emit.records import retry_record
from streams.mail.policy import RetryPolicy
from streams.mail.records import OutcomeRecord
from streams.mail.retry import Retry, Wait
from streams.mail.standing import Standing
from streams.pipeline import Effects
from streams.schemas.codec import Codec

Named = tuple[str, int]
"""A retry's request id and attempt."""


class Retries:
    """Lets retries go."""

    def __init__(self, codec: Codec, policy: RetryPolicy) -> None:
        """Keep the codec that writes retries and the policy that times them."""
        self._codec = codec
        self._policy = policy

    def let_go(self, key: bytes, standing: Standing, barred: Barred, effects: Effects, now: int) -> Turn:
        """Emit the retries whose turn it is at *now*; what is *barred* stays, or is lost where its time has come."""
        turn = take_turn(standing, barred, self._policy, now)
        recipient = key.decode()
        for wait in turn.going:
            effects.emit("retries", wait.request_id.encode(), self._record(wait, recipient))
        return turn

    def count(self, before: Standing, turn: Turn, effects: Effects) -> None:
        """Count what was planned, what went and what was cancelled since *before*."""
        if before.waits or turn.standing.waits or turn.going:
            _count(effects, _shown(before), _shown(turn.standing), {_name(wait): wait for wait in turn.going})

    def count_exhausted(self, standing: Standing, outcome: OutcomeRecord, effects: Effects) -> None:
        """Count a request that has used up its retries by *outcome*; *standing* is the one before it."""
        if exhausts(standing, outcome, self._policy):
            because = label_of(f"{outcome['kind']} {outcome['reason']}")
            effects.counts["ses_retries_total", because, "exhausted"] += 1

    def _record(self, wait: Wait, recipient: str) -> bytes:
        """Return the mail.Retry that lets a wait go."""
        retry = Retry(
            request_id=wait.request_id,
            recipient=recipient,
            attempt=wait.attempt,
            due_at=wait.due_at,
            because=wait.because,
            message_id=wait.message_id,
        )
        return self._codec.encode("mail.Retry", retry_record(retry))


def _name(wait: Wait) -> Named:
    """Return what a retry is called."""
    return wait.request_id, wait.attempt


def _shown(standing: Standing) -> dict[Named, Wait]:
    """Return the retries that are announced as waiting, by name."""
    return {_name(wait): wait for wait in standing.waits if wait.shown}


def _count(effects: Effects, before: dict[Named, Wait], after: dict[Named, Wait], going: dict[Named, Wait]) -> None:
    """Count what was planned, what went and what was called off between two standings."""
    planned = {name: wait for name, wait in (after | going).items() if name not in before}
    cancelled = {name: wait for name, wait in before.items() if name not in after and name not in going}
    for result, waits in (("scheduled", planned), ("due", going), ("cancelled", cancelled)):
        for wait in waits.values():
            effects.counts["ses_retries_total", label_of(wait.because), result] += 1
    if len(after) != len(before):
        effects.counts["ses_retries_pending",] += len(after) - len(before)

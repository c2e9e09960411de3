"""What one outcome means for its recipient by itself: hop 2 hears it as the first thing of somebody unknown.

What holds for somebody now, all things heard, is `why`'s to say.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.answers.rules import Rules
from streams.answers.said import minute
from streams.decide.retry import attempt_of
from streams.hops.by_recipient import ByRecipient
from streams.mail.outcome import OutcomeKind
from streams.mail.policy import Policy
from streams.mail.records import OutcomeRecord
from streams.pipeline import Chunk, Effects
from streams.schemas.codec import Codec

_PUT_OFF = frozenset({OutcomeKind.SOFT_BOUNCED, OutcomeKind.FAILED})
"""Outcomes after which one asks whether the mail is sent again."""

_SILENCES_NOBODY = {
    OutcomeKind.HARD_BOUNCED: "suppresses nobody: a guess",
    OutcomeKind.UNSUBSCRIBED: "closes no stream: a guess",
    OutcomeKind.COMPLAINED: "suppresses nobody: it is about our domain, not from a person",
    OutcomeKind.NOT_SPAM: "settles complaints of theirs before it",
}


class Follows(NamedTuple):
    """What follows, in sentences; and the retry that is planned: its attempt, and when it is due (ms)."""

    says: tuple[str, ...]
    retry: tuple[int, int] | None


class Consequences:
    """Says what follows from outcomes."""

    def __init__(self, codec: Codec, policy: Policy, rules: Rules) -> None:
        """Prepare the hop."""
        self._codec, self._policy, self._rules = codec, policy, rules
        self._hop = ByRecipient(codec, policy, compiled=False)

    def of(self, outcome: dict[str, Any]) -> Follows:
        """Return what follows from one outcome."""
        value = self._codec.encode("mail.Outcome", outcome)
        chunk = Chunk(topic="outcomes", partition=0, keys=[b""], values=[value], offsets=[0])
        effects = self._hop.work(chunk, lambda keys: [None] * len(keys), outcome["occurred_at"])
        waits = self._read(effects, "waiting", "mail.Waiting")
        retries = [] if waits is None else waits["retries"]
        says = [self._suppression(effects, outcome), self._retry(retries, outcome), self._loop(effects, outcome)]
        planned = (retries[0]["attempt"], retries[0]["due_at"]) if retries else None
        return Follows(tuple(filter(None, says)), planned)

    def _suppression(self, effects: Effects, outcome: dict[str, Any]) -> str:
        """Return what it means for writing to them."""
        kind, record = outcome["kind"], self._read(effects, "suppressions", "mail.Suppression")
        if record is None:
            if kind == OutcomeKind.SOFT_BOUNCED:
                return self._rules("soft-bounces-few").says
            return _SILENCES_NOBODY.get(kind, "")
        until = "for good" if record["until"] is None else f"until {minute(record['until'])}"
        who = "every stream" if record["scope"] == "*" else f"the stream {record['scope']}"
        return f"{who} stops writing to them {until}: {record['reason']}"

    def _retry(self, retries: list[dict[str, Any]], outcome: dict[str, Any]) -> str:
        """Return whether it is sent again, or why not."""
        if retries:
            return f"sent again as attempt {retries[0]['attempt']}, due {minute(retries[0]['due_at'])}"
        if outcome["kind"] not in _PUT_OFF:
            return ""
        own: OutcomeRecord = outcome  # type: ignore[assignment]  # the schema makes it so
        if not outcome["request_id"]:
            return "not sent again: no request is known"
        if not outcome["certain"]:
            return "not sent again: a guess"
        if attempt_of(own) > self._policy.retry.most:
            return f"not sent again: {self._policy.retry.most} retries were all"
        return "not sent again: it would end the same way"

    def _loop(self, effects: Effects, outcome: dict[str, Any]) -> str:
        """Return what an auto-reply means."""
        if outcome["kind"] != OutcomeKind.AUTO_REPLIED:
            return ""
        record = self._read(effects, "loops", "mail.LoopFlag")
        if record is not None:
            return f"flagged as a loop until {minute(record['until'])}; the mail is never sent again"
        counts = "counts towards a loop; " if outcome["certain"] else ""
        return f"{counts}the mail is never sent again"

    def _read(self, effects: Effects, topic: str, name: str) -> dict[str, Any] | None:
        """Return what the hop says last on a topic; None where it says nothing, or that nothing holds."""
        batch = effects.outputs.get(topic)
        value = None if batch is None else batch.values[-1]
        return None if value is None else self._codec.decode(name, value)

"""From an outcome's bytes to what hop 2 needs: nothing for most kinds, two fields for a delivery, all for the rest.

Only an auto-reply is read to its end: which of our addresses was answered stands in the Send that the outcome embeds,
or else in the Feedback.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.decide.retry import matters
from streams.errors import Unusable
from streams.mail.address import normal_address
from streams.mail.deadletter import DeadReason
from streams.mail.identity import derived_id
from streams.mail.loop import Reply
from streams.mail.outcome import OutcomeKind
from streams.mail.records import OutcomeRecord
from streams.mail.time import is_time
from streams.schemas.codec import Codec
from streams.state.lives import MARK

HEADER = 5
SPEAKING = frozenset(
    {
        OutcomeKind.DELIVERED,
        OutcomeKind.HARD_BOUNCED,
        OutcomeKind.SOFT_BOUNCED,
        OutcomeKind.COMPLAINED,
        OutcomeKind.NOT_SPAM,
        OutcomeKind.UNSUBSCRIBED,
        OutcomeKind.AUTO_REPLIED,
    }
)
"""Outcomes that say something about whether to write to a person again."""

ABOUT_RETRIES = frozenset(
    {
        OutcomeKind.FAILED,
        OutcomeKind.SUPPRESSED,
        OutcomeKind.LOOPING,
        OutcomeKind.EXPIRED,
        OutcomeKind.REJECTED,
        OutcomeKind.RENDERING_FAILED,
    }
)
"""Outcomes that say nothing about a person, and something about a mail that may be, or was, sent again."""


class Fact(NamedTuple):
    """One outcome: the table's key, when it happened, and its fields; a delivery's are read only where needed."""

    key: bytes
    at: int
    record: bytes
    outcome: OutcomeRecord | None
    mark: bytes


class OutcomeReading:
    """Reads the records of hop 2."""

    def __init__(self, codec: Codec) -> None:
        """Prepare a reader for each depth, and the bytes by which a record's kind is told without reading it.

        *delivered* is that of a delivery, *silent* are those of kinds that say nothing about a person.
        """
        self._codec = codec
        self._short = codec.prefix_reader("mail.Outcome", "recipient")
        self._whole = codec.prefix_reader("mail.Outcome", "written")
        kind = codec.prefix_writer("mail.Outcome", "kind")
        numbers = {k: kind({"kind": k})[HEADER] for k in OutcomeKind}
        self.delivered = numbers[OutcomeKind.DELIVERED]
        self.silent = frozenset(numbers[k] for k in OutcomeKind if k not in SPEAKING | ABOUT_RETRIES)

    def read(self, value: bytes | None) -> Fact | None:
        """Return what an outcome says about a person; None where it says nothing, or nobody is known."""
        if value is None:
            raise Unusable(DeadReason.NO_VALUE, "mail.Outcome: a null value says nothing here")
        if self._codec.is_ours("mail.Outcome", value) and len(value) > HEADER:
            if value[HEADER] in self.silent:
                return None
            if value[HEADER] == self.delivered:
                return self._fact(value, self._short(value), whole=False)
        record: Any = self._whole(value)
        if record["kind"] in SPEAKING or (record["kind"] in ABOUT_RETRIES and matters(record)):
            return self._fact(value, record, whole=True)
        return None

    def whole(self, fact: Fact) -> OutcomeRecord:
        """Return all of an outcome's own fields."""
        if fact.outcome is not None:
            return fact.outcome
        record: Any = self._whole(fact.record)
        return _normal(record)

    def reply(self, fact: Fact) -> Reply | None:
        """Return the auto-reply that an outcome reports; None where it is none, or only perhaps this recipient's."""
        outcome = fact.outcome
        if outcome is None or outcome["kind"] != OutcomeKind.AUTO_REPLIED or not outcome["certain"]:
            return None
        record = self._codec.decode("mail.Outcome", fact.record)
        send, feedback = record["send"], record["feedback"]
        ours = send["from_address"] if send is not None else (feedback or {}).get("source")
        answering = send is not None and send["in_reply_to"] is not None
        return Reply(fact.at, fact.mark, normal_address(ours or ""), outcome["message_id"], answering)

    def _fact(self, value: bytes, record: Any, *, whole: bool) -> Fact | None:
        """Return the fact that a decoded record holds."""
        at = record["occurred_at"]
        if not is_time(at):
            raise Unusable(DeadReason.BAD_TIME, "mail.Outcome: occurred_at is outside the years 1970 to 9999")
        recipient = normal_address(record["recipient"])
        if not recipient:
            return None
        if not whole:
            return Fact(recipient.encode(), at, value, None, b"")
        return Fact(recipient.encode(), at, value, _normal(record), _mark(record))


def _normal(record: OutcomeRecord) -> OutcomeRecord:
    """Return the outcome with its recipient in normal form, kept as it was written where that differs."""
    written = record["recipient"]
    record["recipient"] = normal_address(written)
    if record["recipient"] != written and record["written"] is None:
        record["written"] = written
    return record


def _mark(record: OutcomeRecord) -> bytes:
    """Return the mark by which a standing remembers an outcome; one that has no id is known by what it says."""
    if record["outcome_id"]:
        return mark_of(record["outcome_id"])
    about = record["message_id"] or record["request_id"] or ""
    derived = derived_id(about, record["kind"], record["occurred_at"], str(record["attempt"]), record["recipient"])
    return mark_of(derived.rpartition("-")[2])


def mark_of(outcome_id: str) -> bytes:
    """Return the mark by which a standing remembers an outcome; ids of other makers are as good as ours."""
    try:
        mark = bytes.fromhex(outcome_id)[:MARK]
    except ValueError:
        mark = outcome_id.encode()[-MARK:]
    return mark.rjust(MARK, b"\0")

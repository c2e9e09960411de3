"""Perfect evidence: what a world without faults would put on the topics for a ledger, record by record.

For tests of the checker: whoever takes a record away from it, or alters one, must be found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from tests.faults.ledger import Ledger
from tests.faults.stories import DueOutcome
from tests.faults.topics import Record
from tests.faults.wire import Wire

PARK = 20_000
ROLES = ("outcomes", "suppressions", "retries", "dead-letters")


class Perfect:
    """The records of all topics, as they should be; *records* may be spoilt."""

    def __init__(self, ledger: Ledger, wire: Wire) -> None:
        """Make them."""
        self._ledger, self._wire = ledger, wire
        self._sends, self._events = ledger.sends(), ledger.events()
        self._offsets = count()
        self.records = [*self._outcomes(), *self._suppressions(), *self._retries(), *self._letters()]

    def of(self, role: str) -> list[Record]:
        """Return the records of one topic."""
        return [record for record in self.records if record.topic == role]

    def decoded(self, record: Record) -> dict[str, Any]:
        """Return what a record says."""
        return self._wire.decode(record.topic, record.value or b"")

    def altered(self, record: Record, **fields: Any) -> Record:
        """Return a record that says something else."""
        return replace(record, value=self._wire.encode(record.topic, self.decoded(record) | fields))

    def spoil(self, old: Record, *new: Record) -> None:
        """Put *new* in the place of *old*."""
        self.records = [one for record in self.records for one in (new if record is old else (record,))]

    def add(self, role: str, key: bytes, said: dict[str, Any] | None) -> None:
        """Add a record."""
        self.records.append(self._record(role, key, None if said is None else self._wire.encode(role, said)))

    def _record(self, role: str, key: bytes | None, value: bytes | None, at: int = 0) -> Record:
        return Record(role, 0, next(self._offsets), at, key, value)

    def _outcomes(self) -> Iterator[Record]:
        for due in self._ledger.outcomes().values():
            value, published_at = self._events[due.feedback_id]
            said = self._said(due, value)
            at = published_at + (0 if due.matched else PARK)
            yield self._record("outcomes", due.recipient.encode(), self._wire.encode("outcomes", said), at)

    def _said(self, due: DueOutcome, event: bytes) -> dict[str, Any]:
        send = self._sends.get(due.message_id)
        return {
            "kind": due.kind,
            "occurred_at": due.occurred_at,
            "certain": due.certain,
            "matched": due.matched,
            "recipient": due.recipient,
            "outcome_id": f"{due.feedback_id}/{due.recipient}",
            "message_id": due.message_id,
            "reason": due.reason,
            "send": None if send is None else self._wire.decode("sends", send),
            "feedback": self._wire.decode("feedback", event),
        }

    def _suppressions(self) -> Iterator[Record]:
        for due in self._ledger.suppressions().values():
            said = {
                "recipient": due.recipient,
                "reason": due.reason,
                "since": 1,
                "evidence": [{"message_id": due.message_id, "kind": "HARD_BOUNCED", "at": 1}],
            }
            value = self._wire.encode("suppressions", said) if due.reason else None
            yield self._record("suppressions", due.recipient.encode(), value)

    def _retries(self) -> Iterator[Record]:
        for due in self._ledger.retries():
            said = {"request_id": due.request_id, "recipient": due.recipient, "attempt": due.attempt, "due_at": 1}
            yield self._record("retries", due.request_id.encode(), self._wire.encode("retries", said))

    def _letters(self) -> Iterator[Record]:
        for role, key, value in self._ledger.letters():
            said = {"topic": role, "key": key, "value": value, "at": 1}
            yield self._record("dead-letters", key, self._wire.encode("dead-letters", said))

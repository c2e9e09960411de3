"""The checker: holds what lies on the topics against the ledger, and says what is lost, wrong or there again.

An event is once where all its records carry one feedback id, which no other event carries; a second record of it is a
repeat, beyond the ways by which it was told. It reads by the schema files and fastavro: the product's own codec, ids
and rules must not be believed here.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from tests.faults.topics import Record
from tests.faults.verdict import Finding, Verdict, What
from tests.faults.wire import Wire
from tests.inlets.faults.events import Fact
from tests.inlets.faults.ledger import Ledger

LETTERS = "poison"
QUEUES = "queues"
NOT_OURS = "an intake keeps no state, and judges nobody"
_EVERY, _WAITS = "I2", "I7"


class Checker:
    """Takes records as they are read, in any order; `judge` may be asked again and again."""

    def __init__(self, ledger: Ledger, wire: Wire) -> None:
        """Hold everything against *ledger*."""
        self._ledger, self._wire = ledger, wire
        self._ids: defaultdict[Fact, Counter[str]] = defaultdict(Counter)
        self._letters = Counter[str]()
        self._wrong: list[tuple[str, str, str]] = []  # kind, of, why

    def feedback(self, record: Record) -> None:
        """Take one record of feedback."""
        said = self._read("feedback", record)
        if said is None:
            return
        fact = Fact(said["message_id"], said["kind"], said["occurred_at"])
        due = self._ledger.events.get(fact)
        self._ids[fact][said["feedback_id"]] += 1
        if due is None:
            if fact not in self._ledger.doubts:
                self._wrong.append(("events", fact.message_id, f"nobody published a {fact.kind} of it"))
        elif due.feedback_id not in ("", said["feedback_id"]):
            self._wrong.append((due.kind, fact.message_id, "another feedback id than SES's own"))
        elif due.texts and said["raw"] not in due.texts:
            self._wrong.append((due.kind, fact.message_id, "its text is not what SES said"))
        elif record.key != fact.message_id.encode():
            self._wrong.append((due.kind, fact.message_id, "its key is not its message id"))

    def letter(self, record: Record) -> None:
        """Take one dead letter."""
        said = self._read("dead-letters", record)
        if said is None:
            return
        place = f"offset {record.partition}/{record.offset}"
        text = _published(bytes(said["value"] or b""))
        reason, _ = self._ledger.letters.get(text, ("", 0))
        self._letters[text] += 1
        if not reason and text not in self._ledger.doubts:
            self._wrong.append((LETTERS, place, f"no poison of ours ({said['reason']})"))
        elif reason not in ("", said["reason"]):
            self._wrong.append((LETTERS, place, f"set aside as {said['reason']} and not as {reason}"))

    def _read(self, role: str, record: Record) -> dict[str, Any] | None:
        try:
            return self._wire.decode(role, record.value or b"")
        except (ValueError, EOFError, LookupError) as error:
            why = f"cannot be read: {type(error).__name__}"
            self._wrong.append((role, f"offset {record.partition}/{record.offset}", why))
            return None

    def judge(self, queues: Mapping[str, int]) -> Verdict:
        """Return the verdict on what was taken so far; *queues* says how many messages each queue still has."""
        verdict = Verdict()
        verdict.skipped |= dict.fromkeys(("I1", "I3", "I4", "I5", "I6"), NOT_OURS)
        self._judge_events(verdict)
        self._judge_letters(verdict)
        for kind, of, why in self._wrong:
            verdict.find(Finding(kind, What.WRONG, _EVERY, of, why))
        for queue, left in queues.items():
            if left:
                verdict.find(Finding(QUEUES, What.WRONG, _WAITS, queue, f"{left} messages are left"))
        verdict.doubtful = len(self._ledger.doubts)
        return verdict

    def _judge_events(self, verdict: Verdict) -> None:
        owners: defaultdict[str, set[Fact]] = defaultdict(set)
        for fact, due in list(self._ledger.events.items()):
            ids = self._ids.get(fact, Counter())
            verdict.due(due.kind, 1, min(len(ids), 1))
            for name in ids:
                owners[name].add(fact)
            if not ids:
                verdict.find(Finding(due.kind, What.LOST, _EVERY, fact.message_id, f"no {fact.kind} of it"))
            elif len(ids) > 1:
                verdict.find(Finding(due.kind, What.WRONG, _EVERY, fact.message_id, f"{len(ids)} feedback ids"))
            _repeats(verdict, due.kind, fact.message_id, ids.total() - len(due.roads))
        for name, facts in owners.items():
            if len(facts) > 1:
                verdict.find(Finding("events", What.WRONG, _EVERY, name, f"the id of {len(facts)} events"))

    def _judge_letters(self, verdict: Verdict) -> None:
        for text, (reason, times) in list(self._ledger.letters.items()):
            seen = self._letters[text]
            verdict.due(LETTERS, 1, min(seen, 1))
            if not seen:
                verdict.find(Finding(LETTERS, What.LOST, _EVERY, text[:40], f"no dead letter for {reason}"))
            _repeats(verdict, LETTERS, text[:40], seen - times)

    @property
    def records(self) -> int:
        """Return how many records of feedback were taken, repeats too."""
        return sum(ids.total() for ids in self._ids.values())


def _repeats(verdict: Verdict, kind: str, of: str, more: int) -> None:
    for _ in range(more):
        verdict.find(Finding(kind, What.DUPLICATED, _EVERY, of, "there again"))


def _published(value: bytes) -> str:
    """Return what was published, of the bytes of a dead letter: all of them, or what SNS's envelope carries."""
    text = value.decode("utf-8", "replace")
    try:
        envelope = json.loads(text)
    except ValueError:
        return text
    inner = envelope.get("Message") if isinstance(envelope, dict) else None
    return inner if isinstance(inner, str) else text

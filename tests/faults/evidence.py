"""What the topics say, sorted for the checker: it grows record by record, and forgets what it does not need."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.topics import Record
from tests.faults.wire import Wire

Letter = tuple[str, bytes | None, bytes | None]
"""The topic's role, the key and the value of a record that was set aside."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one outcome says: everything of it but the Send and the Feedback that it embeds.

    value is the record's bytes; at when it was appended (ms), 0 where nobody knows.
    """

    fields: tuple[tuple[str, Any], ...]
    key: bytes | None
    value: bytes
    at: int

    def __getitem__(self, name: str) -> Any:
        """Return one field."""
        return dict(self.fields)[name]


class Evidence:
    """What was said of whom.

    Args:
        wire: reads records.
        roles: the topics' names, to their roles.

    """

    def __init__(self, wire: Wire, roles: Mapping[str, str]) -> None:
        """Begin with nothing."""
        self._wire, self._roles = wire, roles
        self.outcomes: defaultdict[tuple[str, str], list[Said]] = defaultdict(list)
        """By the feedback id of the event that is embedded, and the recipient."""
        self.suppressions: dict[bytes, dict[str, Any] | None] = {}
        """The last word on each key."""
        self.ever: dict[bytes, int] = {}
        """Who was ever suppressed, and when for the first time (ms)."""
        self.again: Counter[bytes] = Counter()
        """How often a suppression said what was said before."""
        self.ended: defaultdict[tuple[str, str], dict[tuple[str, int], set[str]]] = defaultdict(dict)
        """By request and recipient: outcome kind and attempt, to the outcomes' ids."""
        self.ended_again = 0
        self.handed: dict[tuple[str, str, int], int] = {}
        """How often SES was handed an attempt of a request for a recipient; asked of SES at the end."""
        self.retries: Counter[tuple[str, str, int]] = Counter()
        self.letters: Counter[Letter] = Counter()
        self.unreadable: list[str] = []
        self._last: dict[bytes, bytes | None] = {}
        self._hear: dict[str, Callable[[Record], None]] = {
            "outcomes": self._outcome,
            "suppressions": self._suppression,
            "retries": self._retry,
            "dead-letters": self._letter,
        }

    def take(self, record: Record) -> None:
        """Take one record of any topic."""
        role = self._roles.get(record.topic, "")
        hear = self._hear.get(role)
        if hear is None:
            return
        try:
            hear(record)
        except (ValueError, EOFError, IndexError, KeyError, TypeError) as exc:  # what fastavro says of garbage
            self.unreadable.append(f"{role} {record.partition}/{record.offset}: {type(exc).__name__}")

    def _outcome(self, record: Record) -> None:
        said = self._wire.decode("outcomes", record.value or b"")
        event = said.pop("feedback") or {}
        said.pop("send")
        key = (event.get("feedback_id", ""), said["recipient"])
        if said["request_id"]:
            ids = self.ended[said["request_id"], said["recipient"]].setdefault((said["kind"], said["attempt"]), set())
            self.ended_again += said["outcome_id"] in ids
            ids.add(said["outcome_id"])
        self.outcomes[key].append(Said(tuple(said.items()), record.key, record.value or b"", record.at))

    def _suppression(self, record: Record) -> None:
        key = record.key or b""
        if key in self._last and self._last[key] == record.value:
            self.again[key] += 1
        self._last[key] = record.value
        self.suppressions[key] = None if record.value is None else self._wire.decode("suppressions", record.value)
        if record.value is not None:
            self.ever.setdefault(key, record.at)

    def _retry(self, record: Record) -> None:
        said = self._wire.decode("retries", record.value or b"")
        if record.key != said["request_id"].encode():
            raise ValueError("another key than the request's id")
        self.retries[said["request_id"], said["recipient"], said["attempt"]] += 1

    def _letter(self, record: Record) -> None:
        said = self._wire.decode("dead-letters", record.value or b"")
        self.letters[self._roles.get(said["topic"], said["topic"]), said["key"], said["value"]] += 1

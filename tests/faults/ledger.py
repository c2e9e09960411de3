"""The ledger: what the broker has acknowledged, and what must therefore come. A sqlite file, one table a kind of thing.

A story is entered when all of its records are acknowledged, and not before. What was tried and never acknowledged is
noted as doubtful: it may have arrived all the same, so nothing is concluded from it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.faults.stories import DueEnd, DueOutcome, DueRetry, DueSuppression, Story

EVERY = 500
"""Stories in one commit."""
_SCHEMA = """
CREATE TABLE stories (number INTEGER, name TEXT, stand_ins INTEGER, published_at INTEGER);
CREATE TABLE sends (message_id TEXT PRIMARY KEY, value BLOB);
CREATE TABLE events (feedback_id TEXT PRIMARY KEY, value BLOB, published_at INTEGER);
CREATE TABLE outcomes (feedback_id TEXT, recipient TEXT, message_id TEXT, kind TEXT, reason TEXT, certain INTEGER,
    matched INTEGER, occurred_at INTEGER, PRIMARY KEY (feedback_id, recipient));
CREATE TABLE suppressions (recipient TEXT PRIMARY KEY, message_id TEXT, reason TEXT);
CREATE TABLE retries (request_id TEXT, recipient TEXT, attempt INTEGER, PRIMARY KEY (request_id, recipient, attempt));
CREATE TABLE letters (role TEXT, key BLOB, value BLOB);
CREATE TABLE ends (request_id TEXT, recipient TEXT, kind TEXT, attempts INTEGER, PRIMARY KEY (request_id, recipient));
CREATE TABLE doubts (number INTEGER, name TEXT, what TEXT);
"""


class Ledger:
    """Use it in a ``with``, or close it; one writer at a time, any number of readers when it has stopped."""

    def __init__(self, path: Path) -> None:
        """Begin an empty one at *path*."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._pending: list[Story] = []
        self.stories = 0

    def enter(self, story: Story) -> None:
        """Note that the broker has acknowledged all of *story*."""
        self.stories += 1
        self._pending.append(story)
        if len(self._pending) >= EVERY:
            self.commit()

    def doubt(self, story: Story) -> None:
        """Note that it is not known whether all of *story* has arrived."""
        names = [*story.sends, *story.events, *_people(story)]
        with self._lock, self._db:
            self._db.executemany(
                "INSERT INTO doubts VALUES (?, ?, ?)", [(story.number, story.name, name) for name in names]
            )

    def commit(self) -> None:
        """Write down what was entered."""
        with self._lock, self._db:
            stories, self._pending = self._pending, []
            for table, width, rows in _rows(stories):
                marks = ",".join("?" * width)
                self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own words

    def close(self) -> None:
        """Write down what was entered, and close the file."""
        self.commit()
        self._db.close()

    def outcomes(self) -> dict[tuple[str, str], DueOutcome]:
        """Return the outcomes that are due, by feedback id and recipient."""
        due = [
            DueOutcome(
                feedback_id=row["feedback_id"],
                recipient=row["recipient"],
                message_id=row["message_id"],
                kind=row["kind"],
                reason=row["reason"],
                certain=bool(row["certain"]),
                matched=bool(row["matched"]),
                occurred_at=row["occurred_at"],
            )
            for row in self._all("outcomes")
        ]
        return {(one.feedback_id, one.recipient): one for one in due}

    def suppressions(self) -> dict[str, DueSuppression]:
        """Return how recipients must stand."""
        return {row["recipient"]: DueSuppression(**row) for row in self._all("suppressions")}

    def retries(self) -> set[DueRetry]:
        """Return the retries that are due."""
        return {DueRetry(**row) for row in self._all("retries")}

    def ends(self) -> dict[tuple[str, str], DueEnd]:
        """Return how requests must end, by request and recipient."""
        return {(row["request_id"], row["recipient"]): DueEnd(**row) for row in self._all("ends")}

    def letters(self) -> list[tuple[str, bytes | None, bytes | None]]:
        """Return what must be set aside: role, key, value."""
        return [(row["role"], row["key"], row["value"]) for row in self._all("letters")]

    def sends(self) -> dict[str, bytes]:
        """Return the sends, by message id."""
        return {row["message_id"]: row["value"] for row in self._all("sends")}

    def events(self) -> dict[str, tuple[bytes, int]]:
        """Return the events by feedback id, and when each was first handed to the producer (ms)."""
        return {row["feedback_id"]: (row["value"], row["published_at"]) for row in self._all("events")}

    def doubtful(self) -> set[str]:
        """Return the message ids, feedback ids and recipients of which nothing is known for sure."""
        return {row["what"] for row in self._all("doubts")}

    def stand_ins(self) -> int:
        """Return for how many mails SES's own SEND event stands in."""
        return sum(row["stand_ins"] for row in self._all("stories"))

    def _all(self, table: str) -> Iterator[dict[str, Any]]:
        """Return all rows of *table*, those too that were entered since the last commit."""
        self.commit()
        with self._lock:
            found = self._db.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own words
            names = [column[0] for column in found.description]
            rows = found.fetchall()
        return (dict(zip(names, row, strict=True)) for row in rows)


def _people(story: Story) -> Iterator[str]:
    """Yield the recipients of a story."""
    yield from (one.recipient for one in story.outcomes)
    yield from (one.recipient for one in story.ends)


def _rows(stories: Sequence[Story]) -> Iterator[tuple[str, int, list[tuple[Any, ...]]]]:
    """Yield each table, how wide it is, and its new rows."""
    yield "stories", 4, [(s.number, s.name, s.stand_ins, s.published_at) for s in stories]
    yield "sends", 2, [one for s in stories for one in s.sends.items()]
    yield "events", 3, [(name, value, s.published_at) for s in stories for name, value in s.events.items()]
    yield (
        "outcomes",
        8,
        [
            (o.feedback_id, o.recipient, o.message_id, o.kind, o.reason, o.certain, o.matched, o.occurred_at)
            for s in stories
            for o in s.outcomes
        ],
    )
    yield "suppressions", 3, [(o.recipient, o.message_id, o.reason) for s in stories for o in s.suppressions]
    yield "retries", 3, [(o.request_id, o.recipient, o.attempt) for s in stories for o in s.retries]
    yield "ends", 4, [(o.request_id, o.recipient, o.kind, o.attempts) for s in stories for o in s.ends]
    yield "letters", 3, [one for s in stories for one in s.letters]

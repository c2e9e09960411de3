"""Reads a compacted topic as the table that it is: the last value of each key, a record without a value taken out.

It is gathered in a private SQLite database, which spills to an unnamed temporary file beyond its cache: a million keys
take no more memory than a thousand, and come out in the order of their keys. Values stay bytes; what they mean is the
reader's business. For people and tools only: workers have global tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import NamedTuple

from streams.emit.topic import PATIENCE_S, Row, Told, Topic
from streams.errors import Unusable
from streams.schemas.codec import Codec
from streams.settings import Settings

_CACHE_KIB = 64 * 1024
_WRITTEN_AT_ONCE = 5_000

_MAKE = "CREATE TABLE held (key BLOB PRIMARY KEY, value BLOB, part INT, at INT) WITHOUT ROWID"
_KEEP = "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)"
_ALL = "SELECT key, value, part, at FROM held WHERE value IS NOT NULL ORDER BY key"
_COUNT = "SELECT count(*) FROM held WHERE value IS NOT NULL"


class Kept(NamedTuple):
    """The last value of one key, and where it lies."""

    key: bytes
    value: bytes
    partition: int
    offset: int


class Table:
    """What a compacted topic says now: each key once, in the order of the keys."""

    def __init__(self, topic: str, held: sqlite3.Connection) -> None:
        """Show what *held* has gathered from *topic*."""
        self.topic = topic
        self._held = held

    def __len__(self) -> int:
        """Return how many keys have a value."""
        count: int = self._held.execute(_COUNT).fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Kept]:
        """Yield each key with its last value."""
        return map(Kept._make, self._held.execute(_ALL))

    def records(self, codec: Codec, name: str, refused: Callable[[str], None]) -> Iterator[dict[str, object]]:
        """Yield the records of schema *name*; *refused* is told where one lies that cannot be read, and why."""
        for kept in self:
            try:
                yield codec.decode(name, kept.value)
            except Unusable as why:
                refused(f"{self.topic}/{kept.partition} at offset {kept.offset}: {why}")


@contextmanager
def read_table(
    settings: Settings,
    role: str,
    *,
    only: bytes | None = None,
    told: Told | None = None,
    patience_s: float = PATIENCE_S,
) -> Iterator[Table]:
    """Read the topic of *role* to its end, and give its table; *only* one key of it, where that is asked for.

    Raises:
        WorldFailed: as `Topic.to_the_end` does.

    """
    with closing(sqlite3.connect("")) as held, Topic(settings, role, patience_s=patience_s) as topic:
        held.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        held.execute(_MAKE)
        rows = _kept(topic.to_the_end(told), only)
        while some := list(islice(rows, _WRITTEN_AT_ONCE)):
            held.executemany(_KEEP, some)
        yield Table(topic.name, held)


def _kept(rows: Iterator[Row], only: bytes | None) -> Iterator[tuple[bytes, bytes | None, int, int]]:
    """Yield what counts; a record without a key says nothing about anybody."""
    for row in rows:
        if row.key is not None and only in (None, row.key):
            yield row.key, row.value, row.partition, row.offset

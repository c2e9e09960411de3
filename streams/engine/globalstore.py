"""A whole compacted topic in RocksDB: the last value of each key, and how far each partition has been followed.

One database for all partitions, not one each: a reader asks by key alone, and finds what another producer put on
another partition than our own hash would. Values and positions change in one write. Like `store`, it is a copy, and
whatever is wrong with it is mended by wiping it; nothing here reads the topic.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from rocksdict import Rdict, WriteBatch

from streams.engine.mark import fingerprint
from streams.engine.rocks import Tuning, guarded, open_database, remove, walk

log = logging.getLogger(__name__)

FORMAT = 1
"""Of what is stored here; another number on disk means another version of us: wipe and read anew."""
_TOPIC = b"topic"
_HEAD = struct.Struct(">I")
_PARTITION = struct.Struct(">I")
_MARK = struct.Struct(">QQI")


class Mark(NamedTuple):
    """How far a partition was followed: where to go on, when that was (ms since the epoch), and the last record."""

    position: int
    kept_at: int
    print: int


NOWHERE = Mark(0, 0, 0)


class GlobalStore:
    """The copy of one topic; read by every lane, written by the one task that follows the topic."""

    def __init__(self, path: Path, tuning: Tuning, topic: str) -> None:
        """Open what is at *path*; start anew where nothing usable is, or what was read from another topic.

        Raises:
            WorldFailed: the directory is in use by another process, or cannot be written.
        """
        self.path = path
        self._tuning = tuning
        self._head = _HEAD.pack(FORMAT) + topic.encode()
        self._open()

    def recall(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of *keys*, in their order; a key that is not there costs a look at a filter in memory."""
        if not keys:
            return []
        with guarded(self.path):
            return cast("list[bytes | None]", self._db.get(list(keys)))

    def mark(self, partition: int) -> Mark:
        """Return how far a partition was followed."""
        return self._marks.get(partition, NOWHERE)

    def knows(self, partition: int, key: bytes | None, value: bytes | None) -> bool:
        """Return whether this is the record of a partition that was applied last: then the topic is the one we knew."""
        return self.mark(partition).print == fingerprint(key, value)

    def apply(
        self, partition: int, keys: Sequence[bytes | None], values: Sequence[bytes | None], position: int, now: int
    ) -> None:
        """Apply a run of records and the *position* after it, all or nothing; a record without a key is no row."""
        batch = WriteBatch(raw_mode=True)
        for key, value in zip(keys, values, strict=True):
            if key is None:
                continue
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        last = fingerprint(keys[-1], values[-1]) if keys else self.mark(partition).print
        self._note(batch, {partition: Mark(position, now, last)})

    def vouch(self, now: int) -> None:
        """Note that nothing was missing at *now*: a quiet topic's copy would look old otherwise."""
        self._note(WriteBatch(raw_mode=True), {at: mark._replace(kept_at=now) for at, mark in self._marks.items()})

    def wipe(self) -> None:
        """Throw everything away and start empty."""
        self.close()
        remove(self.path)
        self._open()

    def close(self) -> None:
        """Close the files; the lock on them goes with the last handle."""
        self._meta.close()
        del self._meta, self._meta_handle
        self._db.close()

    def _open(self) -> None:
        self._db, _ = open_database(self.path, self._tuning)
        self._meta: Rdict = self._db.get_column_family("meta")
        self._meta_handle = self._db.get_column_family_handle("meta")
        if self._meta.get(_TOPIC) not in (None, self._head):
            log.warning("%s holds a copy of another topic, or of another format: reading it anew", self.path)
            self.wipe()
            return
        with guarded(self.path):
            marks = [(key, value) for key, value in walk(self._meta) if key != _TOPIC]
        self._marks = {_PARTITION.unpack(key)[0]: Mark(*_MARK.unpack(value)) for key, value in marks}

    def _note(self, batch: WriteBatch, marks: dict[int, Mark]) -> None:
        batch.put(_TOPIC, self._head, self._meta_handle)
        for partition, mark in marks.items():
            batch.put(_PARTITION.pack(partition), _MARK.pack(*mark), self._meta_handle)
        with guarded(self.path):
            self._db.write(batch)
        self._marks.update(marks)

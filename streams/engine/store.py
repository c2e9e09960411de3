"""The state of one table partition in RocksDB: values, timers, and how far it has followed its changelog.

All three change in one write, so a crash leaves them of one mind. The store is a copy of the changelog: whatever is
wrong with it on disk, it is wiped and built anew, and it is never taken for empty in silence.
"""

from __future__ import annotations

import logging
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from rocksdict import Rdict, WriteBatch

from streams.engine.rocks import Tuning, guarded, open_database
from streams.engine.timers import entry_due, entry_key, pack_keys, unpack_keys

log = logging.getLogger(__name__)

FORMAT = 1
"""Of what is stored here; another number on disk means another version of us: wipe and rebuild."""
_MARK = b"mark"
_MARKED = struct.Struct(">IQQQI")
NOTHING = 0
NEVER = 1 << 63


@dataclass(frozen=True, slots=True)
class Due:
    """Timer entries whose time has come: their own keys, and the state keys that they name, each once."""

    entries: list[bytes]
    keys: list[bytes]


class Store:
    """One partition's state. Used by one lane, or by recovery, never by both at a time.

    *position* is the changelog offset to go on from: all before it has been applied. *kept_at* is when anything was
    last written, ms since the epoch.
    """

    def __init__(self, path: Path, tuning: Tuning) -> None:
        """Open what is at *path*, or start anew where nothing, or nothing usable, is.

        Raises:
            WorldFailed: the directory is in use by another process, or cannot be written.
        """
        self.path = path
        self._tuning = tuning
        self.next_due: int = NEVER
        self.rebuilt = False
        self._open()

    def recall(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the stored values of *keys*, in their order."""
        if not keys:
            return []
        with guarded(self.path):
            return cast("list[bytes | None]", self._db.get(list(keys)))

    def keep(
        self,
        writes: dict[bytes, bytes | None],
        *,
        position: int | None = None,
        wake: Sequence[tuple[int, Sequence[bytes]]] = (),
        fired: Iterable[bytes] = (),
        now: int,
    ) -> None:
        """Write state, new timers, the end of *fired* ones and the changelog *position*, all or nothing."""
        batch = WriteBatch(raw_mode=True)
        if writes:
            self._print = fingerprint(*next(reversed(writes.items())))
        for key, value in writes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._note(batch, position, wake, fired, now)

    def apply(self, keys: Sequence[bytes | None], values: Sequence[bytes | None], position: int, now: int) -> None:
        """Apply a run of changelog records, and look at what it left soon: its timers were never in the changelog."""
        batch = WriteBatch(raw_mode=True)
        alive: dict[bytes, None] = {}
        for key, value in zip(keys, values, strict=True):
            if key is None:
                continue
            if value is None:
                batch.delete(key)
                alive.pop(key, None)
            else:
                batch.put(key, value)
                alive[key] = None
        if keys:
            self._print = fingerprint(keys[-1], values[-1])
        self._note(batch, position, [(now, list(alive))] if alive else [], (), now)

    def values(self, slice_size: int) -> Iterator[list[bytes]]:
        """Yield all stored values, in slices."""
        with guarded(self.path):
            every = cast("Iterator[bytes]", self._db.values())
            while part := list(islice(every, slice_size)):
                yield part

    def due(self, now: int, limit: int) -> Due:
        """Return entries due by *now*, oldest first: as many as hold *limit* keys, one at least."""
        if self.next_due > now:
            return Due([], [])
        entries: list[bytes] = []
        keys: dict[bytes, None] = {}
        self.next_due = NEVER
        with guarded(self.path):
            entries_on = cast("Iterator[tuple[bytes, bytes]]", self._timers.items(from_key=self._first_entry))
            for entry, packed in entries_on:
                if entry_due(entry) > now or (entries and len(keys) >= limit):
                    self.next_due = entry_due(entry)
                    break
                entries.append(entry)
                keys.update(dict.fromkeys(unpack_keys(packed)))
        return Due(entries, list(keys))

    def knows(self, key: bytes | None, value: bytes | None) -> bool:
        """Return whether this is the changelog record that was applied last: then the changelog is the one we knew."""
        return self._print == fingerprint(key, value)

    def wipe(self) -> None:
        """Throw the partition's state away and start empty, at the changelog's beginning."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)
        self._open()
        self.rebuilt = True

    def close(self) -> None:
        """Close the files; the lock on them goes with the last handle."""
        self._timers.close()
        self._meta.close()
        del self._timers, self._meta, self._timers_handle, self._meta_handle
        self._db.close()

    def _open(self) -> None:
        self._db, self.rebuilt = open_database(self.path, self._tuning)
        self._timers: Rdict = self._db.get_column_family("timers")
        self._meta: Rdict = self._db.get_column_family("meta")
        self._timers_handle = self._db.get_column_family_handle("timers")
        self._meta_handle = self._db.get_column_family_handle("meta")
        self.position, self._number, self.kept_at, self._print = NOTHING, 0, 0, 0
        self._first_entry = entry_key(0, 0)
        self.next_due = 0  # unknown yet: the first look finds out
        marked = self._meta.get(_MARK)
        if marked is None:
            return
        found = _MARKED.unpack(marked)
        if found[0] != FORMAT:
            log.warning(
                "%s holds state of format %d, not %d: rebuilding it from the changelog", self.path, found[0], FORMAT
            )
            self.wipe()
            return
        _, self.position, self._number, self.kept_at, self._print = found

    def _note(
        self,
        batch: WriteBatch,
        position: int | None,
        wake: Sequence[tuple[int, Sequence[bytes]]],
        fired: Iterable[bytes],
        now: int,
    ) -> None:
        for entry in fired:
            batch.delete(entry, self._timers_handle)
            self._first_entry = max(self._first_entry, entry)
        for due, keys in wake:
            self._number += 1
            entry = entry_key(due, self._number)
            batch.put(entry, pack_keys(keys), self._timers_handle)
            self._first_entry = min(self._first_entry, entry)
            self.next_due = min(self.next_due, due)
        reached = self.position if position is None else position
        batch.put(_MARK, _MARKED.pack(FORMAT, reached, self._number, now, self._print), self._meta_handle)
        with guarded(self.path):
            self._db.write(batch)
        self.position, self.kept_at = reached, now


def fingerprint(key: bytes | None, value: bytes | None) -> int:
    """Return a checksum of one changelog record; a tombstone differs from an empty value."""
    return zlib.crc32(b"-" if value is None else b"+" + value, zlib.crc32(b"" if key is None else key))

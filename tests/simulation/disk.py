"""RocksDB without a disk, beneath the real `Store`: what a process that dies, or a machine that does, leaves behind.

A write is whole or not there. One that went by the log (WAL) outlives its process, for it is in the machine's page
cache; a machine that crashes loses the last few. One that did not go by the log outlives nothing before a flush, but
RocksDB may have flushed by itself at any time, all families at once. A disk can also be lost, or refuse a write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import streams.engine.database
import streams.engine.store
from streams.engine.contents import _SEEN
from streams.engine.rocks import Tuning
from streams.errors import WorldFailed
from tests.simulation.loop import PROCESS, Process

FAMILIES = ("", "timers", "meta")
SYNCED = 32
"""Writes that have gone by since, and then one is on the disk itself, whatever crashes."""

Op = tuple[str, str, bytes, bytes | None]
Image = dict[str, dict[bytes, bytes]]


class Files:
    """What lies under one path: what is safe, and what was written since."""

    def __init__(self) -> None:
        """Begin empty."""
        self.safe: Image = {name: {} for name in FAMILIES}
        self.recent: list[tuple[list[Op], bool]] = []
        self.holder: Process | None = None
        self.is_open = False

    def take(self, ops: list[Op], *, logged: bool) -> None:
        """Write."""
        self.recent.append((ops, logged))
        if len(self.recent) > SYNCED and self.recent[0][1]:
            perform(self.safe, self.recent.pop(0)[0])

    def flush(self) -> None:
        """Make safe all that was written."""
        for ops, _ in self.recent:
            perform(self.safe, ops)
        self.recent.clear()

    def die(self, chance: Random, lost: int = 0) -> None:
        """Lose what a process loses that dies, and the last *lost* writes with a machine that crashes."""
        kept = self.recent[: max(len(self.recent) - lost, 0)]
        flushed = chance.randrange(len(kept) + 1)
        for number, (ops, logged) in enumerate(kept):
            if logged or number < flushed:
                perform(self.safe, ops)
        self.recent.clear()
        self.is_open = False


def perform(image: Image, ops: list[Op]) -> None:
    """Change an image as a batch says."""
    for what, family, key, value in ops:
        rows = image[family]
        if what == "put" and value is not None:
            rows[key] = value
        elif what == "range" and value is not None:
            for one in [one for one in rows if key <= one < value]:
                del rows[one]
        else:
            rows.pop(key, None)


class Batch:
    """A write batch; a family's handle is its name."""

    def __init__(self, *, raw_mode: bool = True) -> None:
        """Begin without operations."""
        self.ops: list[Op] = []

    def put(self, key: bytes, value: bytes, family: str = "") -> None:
        """Write a row."""
        self.ops.append(("put", family, key, value))

    def delete(self, key: bytes, family: str = "") -> None:
        """Delete a row."""
        self.ops.append(("delete", family, key, None))

    def delete_range(self, begin: bytes, end: bytes, family: str = "") -> None:
        """Delete all rows from *begin* to before *end*."""
        self.ops.append(("range", family, begin, end))


class Options:
    """How to write: by the log, unless told otherwise."""

    disable_wal = False


class Iteration:
    """RocksDB's own iterator, when all has been read."""

    def seek(self, key: bytes) -> None:
        """Stay at the end."""

    def valid(self) -> bool:
        """Tell that nothing follows."""
        return False

    def next(self) -> None:
        """Stay at the end."""

    def status(self) -> None:
        """Raise nothing."""


class Database:
    """One family of an open database; the first one of all is the database."""

    def __init__(self, files: Files, disks: Disks, family: str = "", image: Image | None = None) -> None:
        """Open *files*."""
        self._files = files
        self._disks = disks
        self._family = family
        self._image = {name: dict(rows) for name, rows in files.safe.items()} if image is None else image

    def get_column_family(self, name: str) -> Database:
        """Return a family."""
        return Database(self._files, self._disks, name, self._image)

    def get_column_family_handle(self, name: str) -> str:
        """Return what a batch calls a family by."""
        return name

    def get(self, key: bytes | list[bytes]) -> Any:
        """Return a value, or those of a list of keys."""
        rows = self._image[self._family]
        return [rows.get(one) for one in key] if isinstance(key, list) else rows.get(key)

    def write(self, batch: Batch, options: Options | None = None) -> None:
        """Write a batch, unless the disk refuses."""
        self._disks.check()
        perform(self._image, batch.ops)
        self._files.take(batch.ops, logged=options is None or not options.disable_wal)

    def flush(self) -> None:
        """Make all families safe."""
        self._files.flush()

    def keys(self) -> Iterator[bytes]:
        """Yield keys in their order."""
        yield from sorted(self._image[self._family])

    def values(self) -> Iterator[bytes]:
        """Yield values in the order of their keys."""
        for _, value in sorted(self._image[self._family].items()):
            yield value

    def items(self, from_key: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield rows in the order of their keys."""
        yield from sorted(row for row in self._image[self._family].items() if row[0] >= from_key)

    def iter(self) -> Iteration:
        """Return an iterator that stands at the end."""
        return Iteration()

    def close(self) -> None:
        """Close; the database itself is written out then."""
        if not self._family:
            self._files.flush()
            self._files.is_open = False


class Disks:
    """All disks of a world, by path."""

    def __init__(self, chance: Random) -> None:
        """Begin with none."""
        self._chance = chance
        self._files: dict[Path, Files] = {}
        self.refuses: set[Process] = set()

    def open(self, path: Path, tuning: Tuning) -> tuple[Database, bool]:
        """Stand for `open_database`."""
        files = self._files.setdefault(path, Files())
        if files.is_open:
            if files.holder is not None and files.holder.is_alive:
                raise WorldFailed(f"state directory {path}: lock")
            files.die(self._chance)
        files.holder, files.is_open = PROCESS.get(), True
        return Database(files, self), False

    def remove(self, path: Path, *_: Any) -> None:
        """Stand for `remove`."""
        self._files.pop(path, None)

    def crash(self, home: Path, lost: int) -> None:
        """Lose the last *lost* writes of each database of a machine that crashes."""
        for path, files in self._files.items():
            if files.is_open and path.is_relative_to(home):
                files.die(self._chance, lost)

    def lose(self, home: Path) -> None:
        """Lose all of a machine's disk."""
        for path in [path for path in self._files if path.is_relative_to(home)]:
            del self._files[path]

    def check(self) -> None:
        """Refuse a write of a process that was picked out for it, once."""
        process = PROCESS.get()
        if process in self.refuses:
            self.refuses.discard(process)
            raise Exception("IO error: No space left on device")  # noqa: TRY002 - rocksdict knows no other class


class Contents:
    """Stands for the watch over RocksDB's table of contents: there is none here."""

    def __init__(self, path: Path) -> None:
        """Watch nothing."""

    def look(self) -> bytes:
        """Return as many bytes as the real one does."""
        return bytes(_SEEN.size)


@contextmanager
def in_place_of_rocksdb(disks: Disks) -> Iterator[None]:
    """Let the real `Store` write to *disks*, for as long as it lasts."""
    database, store = streams.engine.database, streams.engine.store
    made_up: list[tuple[Any, str, Any]] = [
        (database, "open_database", disks.open),
        (database, "remove", disks.remove),
        (database, "found_in", lambda _: (0, b"")),
        (database, "Watch", Contents),
        (store, "WriteBatch", Batch),
        (store, "WriteOptions", Options),
    ]
    real = [(module, name, getattr(module, name)) for module, name, _ in made_up]
    for module, name, value in made_up:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in real:
            setattr(module, name, value)

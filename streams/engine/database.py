"""The RocksDB of one store, with its families and its mark: opened, found fit or wiped, flushed and closed.

Three families: values by key, timers, and a few words about the store itself. What is no good is told here, once, at
the opening; what turns out to be damaged later stops the worker, and is wiped at its next start.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

from rocksdict import ColumnFamily, Rdict

from streams.engine.contents import Watch, found_in, is_what_it_was
from streams.engine.mark import FORMAT, Mark, unpack_mark
from streams.engine.rocks import Tuning, guarded, open_database, remove, walk

log = logging.getLogger(__name__)

MARK, UNARMED = b"mark", b"unarmed"


class Unfit(Exception):
    """A database that is of no use: it is wiped and rebuilt."""


class Database:
    """One open database. *mark* and *unarmed* are what it said of its store when it was opened, None in a new one."""

    def __init__(self, path: Path, tuning: Tuning) -> None:
        """Open what is at *path*; what is of no use is wiped.

        Raises:
            WorldFailed: another process holds it, or the disk does not let us.
        """
        self.path = path
        self._tuning = tuning
        self.mark: Mark | None = None
        self.unarmed: bytes | None = None
        self._flushed_at = 0
        found = found_in(path)
        self._connect()
        why = self._take_up(found)
        if why is not None:
            log.error("state in %s is wiped and rebuilt from its changelog: %s", path, why)
            self.wipe()

    def read(self, keys: list[bytes]) -> list[bytes | None]:
        """Return the values of *keys*, in their order."""
        return cast("list[bytes | None]", self.values.get(cast("list[Any]", keys)))

    def flush_seldom(self, now: int) -> None:
        """Make durable what was written, if that was long ago (ms), or the clock was set back."""
        if not 0 <= now - self._flushed_at < self._tuning.flush_ms:
            self.flush(now)

    def flush(self, now: int) -> None:
        """Make durable what was written."""
        self._flushed_at = now
        with guarded(self.path):
            for family in (self.values, self.timers, self.meta):
                family.flush()

    def wipe(self) -> None:
        """Throw everything away and begin with nothing."""
        self.close()
        remove(self.path)
        self.mark = self.unarmed = None
        self._connect()
        self.rebuilt = True

    def close(self) -> None:
        """Close the files; the lock on them goes with the last handle, so nobody else may keep one."""
        self.timers.close()
        self.meta.close()
        del self.timers, self.meta, self.timers_handle, self.meta_handle
        self.values.close()

    def _connect(self) -> None:
        self.values, self.rebuilt = open_database(self.path, self._tuning)
        self.timers: Rdict = self.values.get_column_family("timers")
        self.meta: Rdict = self.values.get_column_family("meta")
        self.timers_handle: ColumnFamily = self.values.get_column_family_handle("timers")
        self.meta_handle: ColumnFamily = self.values.get_column_family_handle("meta")
        self.contents = Watch(self.path)

    def _take_up(self, found: tuple[int, bytes]) -> str | None:
        """Read what it says of itself; return why it is of no use, None where it is."""
        try:
            self._read(found)
        except Exception as exc:
            if type(exc) not in (Exception, Unfit):  # rocksdict knows no other class than the first
                raise
            return str(exc)
        return None

    def _read(self, found: tuple[int, bytes]) -> None:
        marked = cast("bytes | None", self.meta.get(MARK))
        if marked is None:
            if next(walk(self.values), None) is not None:
                raise Unfit("it holds values, and nothing says which")
            return
        mark = unpack_mark(marked)
        if mark is None:
            raise Unfit(f"it is not of format {FORMAT}, but of another version of us")
        if not is_what_it_was(mark.contents, found):
            raise Unfit("its MANIFEST is not the one that it had")
        self.unarmed = cast("bytes | None", self.meta.get(UNARMED))
        self.mark = mark

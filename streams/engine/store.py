"""The state of one table partition in RocksDB: values, timers, and how far it has followed its changelog.

All three change in one write, so a crash leaves them of one mind. The store is a copy of the changelog: whatever is
wrong with it on disk, it is wiped and built anew, and it is never taken for empty in silence.

Nothing goes through RocksDB's log (WAL), for the changelog is there to be read again. A lane's writes wait for a second
at most (fresh.py). RocksDB writes out a whole memory's worth at a time, all families at once, so a crash leaves what a
shorter changelog would have left; `settle` writes out all that was applied before a lane may begin, and a lane that
writes little sees to it every ten minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

from rocksdict import WriteBatch, WriteOptions

from streams.engine.arming import EVERY_KEY, Arming
from streams.engine.database import MARK, Database
from streams.engine.fresh import Fresh
from streams.engine.mark import Mark, fingerprint, pack_mark
from streams.engine.rocks import Tuning, guarded, walk
from streams.engine.timers import Due, Foresee, Timers, Wakes, at_once
from streams.errors import WorldFailed

log = logging.getLogger(__name__)


class Store:
    """One partition's state. Used by one lane, by recovery or as a standby, never by two at a time."""

    _mark: Mark
    _settled: bool
    _arming: Arming

    def __init__(self, path: Path, tuning: Tuning, foresee: Foresee = at_once) -> None:
        """Open what is at *path*, or start anew where nothing, or nothing usable, is.

        Raises:
            WorldFailed: the directory is in use by another process, or cannot be written.
        """
        self.path = path
        self._db = Database(path, tuning)
        self._foresee = foresee
        self._fresh = Fresh(tuning.fresh_bytes)
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[method-assign, assignment] # its stubs call a property a method
        self._begin()

    @property
    def rebuilt(self) -> bool:
        """Return whether what was here had to be wiped."""
        return self._db.rebuilt

    @property
    def position(self) -> int:
        """Return the changelog offset to go on from."""
        return self._mark.position

    @property
    def kept_at(self) -> int:
        """Return when (ms since the epoch) nothing was missing; 0 for a store that was never whole."""
        return self._mark.kept_at

    @property
    def last(self) -> int:
        """Return the changelog offset of the record that was applied last: `knows` knows it."""
        return self._mark.last

    @property
    def next_due(self) -> int:
        """Return when (ms since the epoch) the next look is worth its while."""
        return 0 if self._arming.begin is not None else min(self._timers.next_due, self._fresh.due)

    def recall(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the stored values of *keys*, in their order."""
        if not keys:
            return []
        with guarded(self.path):
            return self._fresh.recall(keys, self._db.read)

    def keep(
        self,
        writes: dict[bytes, bytes | None],
        *,
        position: int | None = None,
        wake: Wakes = (),
        fired: Iterable[bytes] = (),
        now: int,
    ) -> None:
        """Keep state, new timers, the end of *fired* ones and the changelog *position*, all or nothing.

        What fires no timers may be written a second later.
        """
        if not self._settled:
            self.settle(now)
        mark = self._mark._replace(kept_at=now)
        if position is not None:
            mark = mark._replace(position=position)
            if writes:
                mark = mark._replace(last=position - 1, print=fingerprint(*next(reversed(writes.items()))))
        self._mark = mark
        self._fresh.keep(writes, wake, now)
        self.write_out(now, fired)

    def write_out(self, now: int, fired: Iterable[bytes] = ()) -> None:
        """Write what was kept, if it is time; to end timers that *fired* it always is."""
        if fired or self._fresh.is_ripe(now):
            self._write({}, self._mark, fired=fired)
            self._db.flush_seldom(now)

    def apply(
        self,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        position: int,
        now: int,
        last: int | None = None,
    ) -> None:
        """Apply a run of changelog records, whose last one is at offset *last*; a record without a key is no state."""
        self._forget_fresh()
        rows = dict(zip(keys, values, strict=True))
        rows.pop(None, None)
        mark = self._mark._replace(position=position, kept_at=self.kept_at or now)
        if keys:
            last = position - 1 if last is None else last
            mark = mark._replace(last=last, print=fingerprint(keys[-1], values[-1]))
        self._settled = False
        self._write(cast("dict[bytes, bytes | None]", rows), mark, self._arming.timers_of(rows, now))

    def settle(self, now: int) -> None:
        """Make durable what was applied, and note that nothing is missing; before the first `keep`, always."""
        self._forget_fresh()
        with guarded(self.path):
            if self._arming.begin is not None and next(walk(self._db.values), None) is None:
                self._arming.begin = None
            self._settled = False
            self._write({}, self._mark._replace(kept_at=now))
        self._db.flush(now)
        self._settled = True

    def vouch(self, now: int) -> None:
        """Note that nothing is missing, at the next write: a quiet changelog's copy would look old otherwise."""
        self._mark = self._mark._replace(kept_at=now)

    def disarm(self) -> None:
        """Drop all timers: somebody else's lane writes the changelog now, and when keys are due is not in it."""
        self._forget_fresh()
        self._arming.begin = EVERY_KEY
        self._settled = False
        self._write({}, self._mark, clear=True)

    def values(self, slice_size: int) -> Iterator[list[bytes]]:
        """Yield all stored values, in slices."""
        if self._fresh:
            self._write({}, self._mark)
        with guarded(self.path):
            every = walk(self._db.values)
            while part := [value for _, value in islice(every, slice_size)]:
                yield part

    def due(self, now: int, limit: int) -> Due:
        """Return entries due by *now*, oldest first: as many as hold *limit* keys, one at least.

        After a rebuild there are values without timers; each look gives some of them theirs.
        """
        if self._fresh.due <= now or self._arming.begin is not None:
            self._write({}, self._mark)
        if self._arming.begin is not None:
            with guarded(self.path):
                wakes = self._arming.next_part(self._db.values, now)
            self._write({}, self._mark, wakes)
        with guarded(self.path):
            return self._timers.due(now, limit)

    def knows(self, key: bytes | None, value: bytes | None) -> bool:
        """Return whether this is the changelog record that was applied last: then the changelog is the one we knew."""
        return self._mark.print == fingerprint(key, value)

    def start_at(self, position: int) -> None:
        """Begin at an offset: a changelog need not begin at 0."""
        self._mark = self._mark._replace(position=position)

    def wipe(self) -> None:
        """Throw the partition's state away and start empty, at the changelog's beginning."""
        self._fresh.clear()
        del self._timers
        self._db.wipe()
        self._begin()

    def close(self) -> None:
        """Close the files, writing out what was kept or applied."""
        try:
            if self._fresh:
                self._write({}, self._mark)
        except WorldFailed as why:
            log.error("%s: what was kept last is read again from the changelog", why)  # noqa: TRY400 - it says where
        del self._timers
        self._db.close()

    def _forget_fresh(self) -> None:
        """Write what was kept, and read from RocksDB alone: it changes by other ways now."""
        if self._fresh:
            self._write({}, self._mark)
        self._fresh.clear()

    def _begin(self) -> None:
        """Take up what the database says of itself."""
        db = self._db
        self._mark = db.mark or Mark()
        self._settled = db.mark is not None
        self._arming = Arming(db.unarmed if self._settled else EVERY_KEY, db.unarmed, self._foresee)
        self._timers = Timers(db.timers, db.timers_handle, self._mark.first, self._mark.number)
        if self._settled:
            self._write({}, self._mark)  # with the MANIFEST that it has from now on

    def _write(
        self,
        rows: dict[bytes, bytes | None],
        mark: Mark,
        wake: Wakes = (),
        fired: Iterable[bytes] = (),
        *,
        clear: bool = False,
    ) -> None:
        """Write it and what waits, even what a disk refused before: a mark speaks for all that came before it."""
        waiting, wakes = self._fresh.waiting
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        for key, value in ({**waiting, **rows} if rows else waiting).items():
            if value is None:
                batch.delete(key)
            else:
                put(key, value)
        if clear:
            self._timers.clear(batch)
        self._timers.end(batch, fired)
        for due, keys in (*wakes, *wake):
            self._timers.add(batch, due, keys)
        mark = mark._replace(number=self._timers.number, first=self._timers.first, contents=self._db.contents.look())
        batch.put(MARK, pack_mark(mark), self._db.meta_handle)
        self._arming.note(batch, self._db.meta_handle)
        with guarded(self.path):
            self._db.values.write(batch, self._unlogged)
        self._fresh.written()
        self._mark = mark

"""The state of one table partition in RocksDB: values, timers, and how far it has followed its changelog.

All three change in one write, so a crash leaves them of one mind. The store is a copy of the changelog: whatever is
wrong with it on disk, it is wiped and built anew, and it is never taken for empty in silence.

Two ways of writing, never mixed. A lane's writes go through RocksDB's log (WAL). What is applied from a changelog does
not: it is there to be read again. RocksDB writes it out a whole memory's worth at a time, all families at once, so a
crash leaves what a shorter changelog would have left; `settle` writes out the rest before a lane may begin.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

from rocksdict import WriteBatch, WriteOptions

from streams.engine.database import MARK, UNARMED, Database
from streams.engine.mark import Mark, fingerprint, pack_mark
from streams.engine.rocks import Tuning, guarded, walk
from streams.engine.timers import Due, Foresee, Timers, Wakes, at_once, wakes_of

log = logging.getLogger(__name__)

ARM_KEYS = 1_000
"""Values that one look gives timers: few enough for a lane to have its turn in between."""
_EVERY_KEY = b""


class Store:
    """One partition's state. Used by one lane, by recovery or as a standby, never by two at a time."""

    _mark: Mark
    _settled: bool
    _noted: bytes | None
    _unarmed: bytes | None

    def __init__(self, path: Path, tuning: Tuning, foresee: Foresee = at_once) -> None:
        """Open what is at *path*, or start anew where nothing, or nothing usable, is.

        Raises:
            WorldFailed: the directory is in use by another process, or cannot be written.
        """
        self.path = path
        self._db = Database(path, tuning)
        self._foresee = foresee
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[method-assign, assignment] # its stubs call a property a method
        self._logged = WriteOptions()
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
        return 0 if self._unarmed is not None else self._timers.next_due

    def recall(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the stored values of *keys*, in their order."""
        if not keys:
            return []
        with guarded(self.path):
            return cast("list[bytes | None]", self._db.values.get(list(keys)))

    def keep(
        self,
        writes: dict[bytes, bytes | None],
        *,
        position: int | None = None,
        wake: Wakes = (),
        fired: Iterable[bytes] = (),
        now: int,
    ) -> None:
        """Write state, new timers, the end of *fired* ones and the changelog *position*, all or nothing."""
        if not self._settled:
            self.settle(now)
        mark = self._mark._replace(kept_at=now)
        if position is not None:
            mark = mark._replace(position=position)
            if writes:
                mark = mark._replace(last=position - 1, print=fingerprint(*next(reversed(writes.items()))))
        self._write(writes, mark, wake, fired)

    def apply(
        self,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        position: int,
        now: int,
        last: int | None = None,
    ) -> None:
        """Apply a run of changelog records, whose last one is at offset *last*; a record without a key is no state."""
        rows = dict(zip(keys, values, strict=True))
        rows.pop(None, None)
        mark = self._mark._replace(position=position, kept_at=self.kept_at or now)
        if keys:
            last = position - 1 if last is None else last
            mark = mark._replace(last=last, print=fingerprint(keys[-1], values[-1]))
        self._settled = False
        self._write(cast("dict[bytes, bytes | None]", rows), mark, self._timers_of(rows, now))

    def settle(self, now: int) -> None:
        """Make durable what was applied, and note that nothing is missing; before the first `keep`, always."""
        with guarded(self.path):
            if self._unarmed is not None and next(walk(self._db.values), None) is None:
                self._unarmed = None
            self._settled = False
            self._write({}, self._mark._replace(kept_at=now))
            self._db.flush()
        self._settled = True

    def vouch(self, now: int) -> None:
        """Note that nothing is missing, at the next write: a quiet changelog's copy would look old otherwise."""
        self._mark = self._mark._replace(kept_at=now)

    def disarm(self) -> None:
        """Drop all timers: somebody else's lane writes the changelog now, and when keys are due is not in it."""
        self._unarmed = _EVERY_KEY
        self._settled = False
        self._write({}, self._mark, clear=True)

    def values(self, slice_size: int) -> Iterator[list[bytes]]:
        """Yield all stored values, in slices."""
        with guarded(self.path):
            every = walk(self._db.values)
            while part := [value for _, value in islice(every, slice_size)]:
                yield part

    def due(self, now: int, limit: int) -> Due:
        """Return entries due by *now*, oldest first: as many as hold *limit* keys, one at least.

        After a rebuild there are values without timers; each look gives some of them theirs.
        """
        if self._unarmed is not None:
            self._arm(self._unarmed, now)
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
        del self._timers
        self._db.wipe()
        self._begin()

    def close(self) -> None:
        """Close the files, writing out what was applied."""
        del self._timers
        self._db.close()

    def _begin(self) -> None:
        """Take up what the database says of itself."""
        db = self._db
        self._mark = db.mark or Mark()
        self._settled = db.mark is not None
        self._noted, self._unarmed = db.unarmed, db.unarmed if self._settled else _EVERY_KEY
        self._timers = Timers(db.timers, db.timers_handle, self._mark.first, self._mark.number)
        if self._settled:
            self._write({}, self._mark)  # with the MANIFEST that it has from now on

    def _timers_of(self, rows: dict[bytes | None, bytes | None], now: int) -> Wakes:
        """Return when to look at what was applied; of keys that `_arm` is still to come by, it says so then."""
        if self._unarmed == _EVERY_KEY:
            return ()
        alive = {key: value for key, value in rows.items() if key is not None and value is not None}
        if self._unarmed is not None:
            alive = {key: value for key, value in alive.items() if key < self._unarmed}
        return wakes_of(alive, self._foresee, now)

    def _arm(self, key: bytes, now: int) -> None:
        """Give timers to the next values, from *key* on; how far that is, is kept with them."""
        with guarded(self.path):
            part = dict(islice(walk(self._db.values, key), ARM_KEYS))
        self._unarmed = next(reversed(part)) + b"\0" if len(part) == ARM_KEYS else None
        self._write({}, self._mark, wakes_of(part, self._foresee, now))

    def _write(
        self,
        rows: dict[bytes, bytes | None],
        mark: Mark,
        wake: Wakes = (),
        fired: Iterable[bytes] = (),
        *,
        clear: bool = False,
    ) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in rows.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if clear:
            self._timers.clear(batch)
        self._timers.end(batch, fired)
        for due, keys in wake:
            self._timers.add(batch, due, keys)
        mark = mark._replace(number=self._timers.number, first=self._timers.first, contents=self._db.contents.look())
        batch.put(MARK, pack_mark(mark), self._db.meta_handle)
        if self._unarmed != self._noted:
            self._note_unarmed(batch)
        with guarded(self.path):
            self._db.values.write(batch, self._logged if self._settled else self._unlogged)
        self._mark = mark

    def _note_unarmed(self, batch: WriteBatch) -> None:
        if self._unarmed is None:
            batch.delete(UNARMED, self._db.meta_handle)
        else:
            batch.put(UNARMED, self._unarmed, self._db.meta_handle)
        self._noted = self._unarmed

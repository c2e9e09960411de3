"""Which values of a store still lack their timers: after a rebuild nothing says when keys are due but their values.

Timers are given a part at a time, in the order of keys; how far that is stands beside the state, in the same write.
"""

from __future__ import annotations

from itertools import islice

from rocksdict import ColumnFamily, Rdict, WriteBatch

from streams.engine.database import UNARMED
from streams.engine.rocks import walk
from streams.engine.timers import Foresee, Wakes, wakes_of

ARM_KEYS = 1_000
"""Values that one look gives timers: few enough for a lane to have its turn in between."""
EVERY_KEY = b""


class Arming:
    """The key from which on values lack timers: *begin*, None where none does."""

    def __init__(self, begin: bytes | None, noted: bytes | None, foresee: Foresee) -> None:
        """Take up where it stands; *noted* is what the store says of it on disk."""
        self.begin = begin
        self._noted = noted
        self._foresee = foresee

    def timers_of(self, rows: dict[bytes | None, bytes | None], now: int) -> Wakes:
        """Return when to look at what was applied; of keys that are still to come by, it is said then."""
        if self.begin == EVERY_KEY:
            return ()
        alive = {key: value for key, value in rows.items() if key is not None and value is not None}
        if self.begin is not None:
            alive = {key: value for key, value in alive.items() if key < self.begin}
        return wakes_of(alive, self._foresee, now)

    def next_part(self, values: Rdict, now: int) -> Wakes:
        """Go on by a part, and return when to look at its keys."""
        part = dict(islice(walk(values, self.begin or EVERY_KEY), ARM_KEYS))
        self.begin = next(reversed(part)) + b"\0" if len(part) == ARM_KEYS else None
        return wakes_of(part, self._foresee, now)

    def note(self, batch: WriteBatch, handle: ColumnFamily) -> None:
        """Write down how far it is, where that has changed."""
        if self.begin == self._noted:
            return
        if self.begin is None:
            batch.delete(UNARMED, handle)
        else:
            batch.put(UNARMED, self.begin, handle)
        self._noted = self.begin

"""What a lane has kept and RocksDB does not have yet: a second's worth, written in one piece.

The changelog has all of it by then, so nothing rests on it: a crash loses what is here, and the next start reads it
again from where the store's mark stands. Most mails are heard of within seconds of their send, so what was written
last stays at hand too, and those reads never reach RocksDB. It holds no files and knows no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.columns import at_hand, size_of
from streams.engine.timers import NEVER, Wakes

WAIT_MS = 1_000
"""How long it may hold back: as long as between two commits, which is what a crash repeats anyway."""
EACH = 260
"""Bytes that an entry takes beside its value, about."""


class Fresh:
    """Writes that wait, and those that were written last.

    *due* is when (ms) the first of the timers that wait comes due, NEVER where none waits.
    """

    def __init__(self, most: int) -> None:
        """Hold at most about *most* bytes back, and as many at hand."""
        self._most = most
        self.clear()

    def __bool__(self) -> bool:
        """Return whether anything waits to be written."""
        return self._since is not None

    def clear(self) -> None:
        """Forget everything: another source of truth has spoken."""
        self._rows: dict[bytes, bytes | None] = {}
        self._last: dict[bytes, bytes | None] = {}
        self._wakes: list[tuple[int, Sequence[bytes]]] = []
        self._bytes = 0
        self._since: int | None = None
        self.due = NEVER

    def recall(self, keys: Sequence[bytes], read: Callable[[list[bytes]], list[bytes | None]]) -> list[bytes | None]:
        """Return the values of *keys*, in their order; *read* is asked for those that are not at hand."""
        values, places, missing = at_hand(self._rows, self._last, list(keys))
        if len(missing) == len(values):
            return read(missing)
        if missing:
            for place, value in zip(places, read(missing), strict=True):
                values[place] = value
        return values

    def keep(self, writes: dict[bytes, bytes | None], wake: Wakes, now: int) -> None:
        """Hold writes and timers back."""
        self._rows.update(writes)
        self._wakes += wake
        self.due = min((self.due, *(due for due, _ in wake)))
        self._bytes += size_of(writes) + EACH * len(writes)
        self._since = now if self._since is None else self._since

    def is_ripe(self, now: int) -> bool:
        """Return whether to write now: there is much, or it has waited long enough, or the clock was set back."""
        return self._since is not None and (self._bytes > self._most or not 0 <= now - self._since < WAIT_MS)

    @property
    def waiting(self) -> tuple[dict[bytes, bytes | None], Wakes]:
        """Return all that waits; it goes on waiting until it is `written`."""
        return self._rows, self._wakes

    def written(self) -> None:
        """Note that all that waited stands on disk; its values stay at hand."""
        if self._rows:
            self._last, self._rows = self._rows, {}
        self._wakes, self._bytes, self._since, self.due = [], 0, None, NEVER

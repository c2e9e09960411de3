"""A table in memory, with the timers that the engine's tables have: for replay, and for tests of the hops.

One partition, nothing durable. `recall` and `apply` are what the engine does with a hop's effects; `due` hands out
the keys whose time has come, earliest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from streams.pipeline import Effects


class MemoryTable:
    """Keys to values, and times at which to look at keys again (ms since the epoch)."""

    def __init__(self) -> None:
        """Begin with nothing stored."""
        self.values: dict[bytes, bytes] = {}
        self._looks: list[tuple[int, int, Sequence[bytes]]] = []
        self._count = 0

    def recall(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the stored values, in the order of *keys*."""
        return [self.values.get(key) for key in keys]

    def apply(self, effects: Effects) -> None:
        """Keep what a hop wants kept."""
        for key, value in effects.writes.items():
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        for due, keys in effects.wake:
            self._count += 1  # breaks ties, so that lists of keys are never compared
            heappush(self._looks, (due, self._count, keys))

    def next_due(self) -> int | None:
        """Return the earliest time at which a key is to be looked at; None where there is none."""
        return self._looks[0][0] if self._looks else None

    def take_due(self) -> Sequence[bytes]:
        """Return the keys of the earliest time, and forget that time."""
        return heappop(self._looks)[2]

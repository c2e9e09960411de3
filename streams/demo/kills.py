"""When to kill the worker: at chance moments in mid-stream, and now and then while it is still getting up.

The feeder is held back behind each kill that is still to come, so that every one finds work in flight and work ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

FIRST, LAST = 0.04, 0.88
"""Kills lie between these parts of the day."""
ROOM = 0.06
"""The day may be fed this much further than the next kill."""
WHILE_RISING = 0.3
"""This share of kills, never the first, comes while the worker starts or recovers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: once this *part* of the day's outcomes is out, or, where set, *rising* seconds after the last start."""

    part: float
    rising: float | None = None


class Kills:
    """The kills that are to come.

    Args:
        count: how many.
        chance: picks the moments.
        outcomes: about how many outcomes the day has.

    """

    def __init__(self, count: int, chance: Random, outcomes: int) -> None:
        """Pick the moments."""
        parts = sorted(chance.uniform(FIRST, LAST) for _ in range(count))
        self._coming = [
            Kill(part=part, rising=chance.uniform(0.1, 5.0) if number and chance.random() < WHILE_RISING else None)
            for number, part in enumerate(parts)
        ]
        self._outcomes = outcomes
        self.planned = count
        self.done = 0

    @property
    def gate(self) -> float:
        """Return up to which part of the day may be fed for now; 1 is all of it."""
        return min(1.0, self._coming[0].part + ROOM) if self._coming else 1.0

    @property
    def left(self) -> int:
        """How many are to come."""
        return len(self._coming)

    def due(self, found: int, alive_s: float) -> Kill | None:
        """Return the kill that is due now, each once: *found* outcomes are out, the worker started *alive_s* ago."""
        if not self._coming:
            return None
        kill = self._coming[0]
        if alive_s < kill.rising if kill.rising is not None else found < kill.part * self._outcomes:
            return None
        self.done += 1
        return self._coming.pop(0)

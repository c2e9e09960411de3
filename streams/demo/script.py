"""What is handed in, in its order and at its pace: the corpus, then the day, with broken records among its first half.

One step hands in one record, so that whoever runs the show sets the pace. No clock: times come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streams.demo.corpus import expect, specimens
from streams.demo.day import Day
from streams.demo.feed import Feeder
from streams.demo.ledger import Ledger

RECORDS_A_MAIL = 2.27
"""About how many records a mail leads to: its send, and what SES says of it."""
OUTCOMES_A_MAIL = 1.15


def steps(day: Day, feeder: Feeder, ledger: Ledger, messages: int) -> Iterator[None]:
    """Hand in one record a step."""
    for specimen in specimens():
        expect(specimen, ledger)
        feeder.item(specimen.text)
        yield
    broken = feeder.all_broken()
    every = max(1, messages // len(broken))
    for number, arrival in enumerate(day.arrivals()):
        if broken and number % every == 0:
            feeder.broken(broken.pop(), ledger)
            yield
        feeder.arrival(arrival)
        yield


class Script:
    """Plays steps, as many as it is told to.

    Args:
        steps: one record each.
        about: how many there are, about; known for sure at the end.
        finish: called once after the last step, to see that the broker has them all.

    """

    def __init__(self, steps: Iterator[None], about: int, finish: Callable[[], None]) -> None:
        """Begin before the first step."""
        self._steps = steps
        self._about = about
        self._finish = finish
        self.played = 0
        self.finished = False

    @property
    def part(self) -> float:
        """Return how much has been played, from 0 to 1."""
        return 1.0 if self.finished else min(self.played / self._about, 0.999)

    def play(self, count: int) -> None:
        """Play the next *count* steps, or those that are left."""
        for _ in range(0 if self.finished else count):
            if next(self._steps, self) is self:
                self.finished = True
                self._finish()
                return
            self.played += 1


class Pace:
    """So many a second, evenly, whatever the steps between two looks at the clock."""

    def __init__(self, per_s: float) -> None:
        """Set the pace."""
        self._per_s = per_s
        self._at: float | None = None
        self._owed = 0.0

    def due(self, at: float) -> int:
        """Return how many are due at *at* (seconds), since it was asked last; a long pause is not made up for."""
        if self._at is not None:
            self._owed += min(at - self._at, 1.0) * self._per_s
        self._at = at
        whole = int(self._owed)
        self._owed -= whole
        return whole

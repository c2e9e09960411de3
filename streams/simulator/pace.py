"""How fast and how much: the recipients of the last second and of the last 24 hours. Time comes in, in ms.

The rate is strict: in no window of one second are more recipients accepted than it says. A mail to more recipients than
the rate is accepted where nothing else was within the second, and is paid for in the seconds that follow: what comes
then is refused (as people have met it with SES: django-ses issue 59).
"""

from __future__ import annotations

from collections import deque

SECOND = 1_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


class Window:
    """Recipients, by the time at which they stop counting (ms)."""

    def __init__(self) -> None:
        """Begin with none."""
        self._until: deque[tuple[int, int]] = deque()
        self._sum = 0

    def sum(self, now: int) -> int:
        """Return how many count at *now*."""
        while self._until and self._until[0][0] <= now:
            self._sum -= self._until.popleft()[1]
        return self._sum

    def add(self, until: int, count: int) -> None:
        """Let *count* more count up to *until*; a time before the last one's is taken for the last one's."""
        last, there = self._until[-1] if self._until else (until, 0)
        if until <= last and there:
            self._until[-1] = (last, there + count)
        else:
            self._until.append((until, count))
        self._sum += count


class Pace:
    """Both windows of an account."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self._second = Window()
        self._day = Window()

    def too_fast(self, recipients: int, rate: float, now: int) -> bool:
        """Return whether *recipients* more within this second would be more than *rate* a second."""
        limit, _ = _limit(rate)
        return self._second.sum(now) + min(recipients, limit) > limit

    def too_many(self, recipients: int, quota: float, now: int) -> bool:
        """Return whether *recipients* more within these 24 hours would be more than *quota*; -1 is no limit."""
        return quota >= 0 and self._day.sum(now) + recipients > quota

    def took(self, recipients: int, counted: int, rate: float, now: int) -> None:
        """Note an accepted mail: all its *recipients* for the rate, those *counted* for the quota."""
        limit, span = _limit(rate)
        until = now + span
        for begun in range(0, recipients, limit):  # what is above the rate counts in the seconds after
            self._second.add(until, min(limit, recipients - begun))
            until += span
        if counted:
            self._day.add((now + DAY) // MINUTE * MINUTE + MINUTE, counted)  # to the minute: 1440 entries at most

    def sent(self, now: int) -> int:
        """Return how many recipients count in the 24 hours before *now*."""
        return self._day.sum(now)


def _limit(rate: float) -> tuple[int, int]:
    """Return a rate as so many whole recipients in so many ms: below one a second, one in the longer time."""
    return (int(rate), SECOND) if rate >= 1 else (1, round(SECOND / rate))

"""How long to leave alone what failed: longer each time, never all at once again; and what to say seldom.

While something fails one goes ahead after each pause, and the others wait to hear how it fared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 30.0
SELDOM_S = 60.0


def now() -> float:
    """Return the loop's own time in seconds: how long a pause lasts is nobody's fact."""
    return asyncio.get_running_loop().time()


class Pause:
    """Grows with each failure, ends with the first success."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """Take *chance*, a number from 0 to 1, for the jitter."""
        self._chance = chance
        self._delay = 0.0
        self._until = 0.0
        self._is_trying = False
        self._over = asyncio.Event()
        self.since: float | None = None
        """Since when it fails, in the loop's time; None while all is well."""

    def failed(self) -> None:
        """Take down a failure; those that were under way together are one."""
        first = self.since is None
        if self.since is None:
            self.since = now()
            self._over.clear()
        if first or self._is_trying:
            self._is_trying = False
            self._delay = min(max(2 * self._delay, FIRST_S), LONGEST_S)
            self._until = now() + self._delay * (1 + self._chance()) / 2

    def well(self) -> None:
        """Take down a success: nobody waits any longer."""
        if self.since is not None:
            self.since, self._delay, self._is_trying = None, 0.0, False
            self._over.set()

    async def over(self) -> None:
        """Return when all is well, or when it is our turn to find out."""
        while self.since is not None:
            left = self._until - now()
            if left <= 0:
                self._is_trying, self._until = True, now() + self._delay
                return
            await sleep_or(self._over, left)

    async def well_within(self, seconds: float) -> None:
        """Return when all is well, or after so many seconds."""
        await sleep_or(self._over, seconds)


class Seldom:
    """Says which things should be said now: each at once, and then once a minute at most."""

    def __init__(self) -> None:
        """Nothing has been said yet."""
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def due(self, what: str) -> int:
        """Return how often *what* happened since it was last said, this time included; 0 if it should not be said."""
        self._untold[what] = self._untold.get(what, 0) + 1
        if now() - self._told.get(what, -SELDOM_S) < SELDOM_S:
            return 0
        self._told[what] = now()
        return self._untold.pop(what)


async def sleep_or(event: asyncio.Event, seconds: float) -> None:
    """Return when *event* is set, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return

"""When SES would review an account, if things go on as they do: arithmetic over counts, without a clock.

The ratio rests on a window of so many sends (ratios.py). What was counted of late says what the next sends will bring;
each of them pushes an old one out of the window once it is full. A straight line, and no more than that: it says in
which direction it goes and about how soon, never a date.
"""

from __future__ import annotations

from typing import NamedTuple

MS_PER_HOUR = 3_600_000
FAR_HOURS = 30 * 24.0
"""What is further away than a month is not foreseen."""


class Counted(NamedTuple):
    """Sends, and the bounces or complaints among them."""

    sends: float
    bad: float

    @property
    def ratio(self) -> float:
        """Return the share, 0 without sends."""
        return max(self.bad, 0.0) / self.sends if self.sends > 0 else 0.0


def hours_until(line: float, window: Counted, room: int, lately: Counted, span: int) -> float | None:
    """Return in how many hours *window*'s ratio comes to *line*; 0 where it is there, None where it does not.

    Args:
        line: the ratio at which SES acts.
        window: what the ratio rests on.
        room: how many sends the window holds at most.
        lately: what was counted in the last *span* milliseconds.
        span: how long that was.

    """
    if window.sends <= 0:
        return None
    if window.ratio >= line:
        return 0.0
    if lately.sends <= 0 or span <= 0 or lately.ratio <= line:
        return None
    growing = max(room - window.sends, 0)
    needed = window.sends * (line - window.ratio) / (lately.ratio - line)
    if needed > growing:  # full before it is there: from then on each new send takes the place of one of the old share
        full = (window.bad + growing * lately.ratio) / (window.sends + growing)
        needed = growing + room * (line - full) / (lately.ratio - window.ratio)
    hours = needed / lately.sends * span / MS_PER_HOUR
    return hours if hours <= FAR_HOURS else None

"""The small parts of the page: grids that give way, words that are cut, counts, rates and times for people.

What they say is top_view.py's business.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from streams.cli.top_pages import Count

DIM = "bright_black"


def columns(*sides: str) -> Table:
    """Return a grid of columns: left, right, or cut, which are the first to give way where the terminal is narrow."""
    grid = Table.grid(padding=(0, 1))
    for side in sides:
        grid.add_column(no_wrap=side != "cut", justify="right" if side == "right" else "left")
    return grid


def cut(words: str, style: str = "") -> Text:
    """Return words of which an end that has no room is left out."""
    return Text(words, style, overflow="ellipsis", no_wrap=True)


def total(count: Count) -> Text:
    """Return how many there were."""
    return Text(f"{count.total:,.0f}", "bold" if count.total else DIM)


def rate(count: Count) -> Text:
    """Return how many there are a second; a dash where that is not known yet."""
    known = count.per_second
    return Text("-", DIM) if known is None else Text(speed(known), "" if known else DIM)


def speed(rate: float) -> str:
    """Return so many a second; below ten a digit more says something."""
    return f"{rate:.1f}/s" if 0 < rate < 10 else f"{rate:,.0f}/s"  # noqa: PLR2004 - see above


def added(rates: Iterable[float | None]) -> float | None:
    """Return the sum of what is known; None where nothing is."""
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def seconds(value: float) -> str:
    """Return a time for people: 2.5 ms, 340 ms, 1.2 s, 3 min, 5 h."""
    for unit, size, end in (("ms", 0.001, 1.0), ("s", 1.0, 120.0), ("min", 60.0, 7_200.0)):
        if value < end:
            number = value / size
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"  # noqa: PLR2004 - two digits are enough
    return f"{value / 3600:.0f} h"

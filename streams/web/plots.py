"""The page's small plots as coordinates, worked out here on the server: one drawing with JavaScript and without.

The templates put them into SVG (templates/plots.html); colours and widths are the style sheet's, by class, so that
light and dark need no second drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDE, TALL = 240, 48
LEAST_STEPS = 24
"""Fewer steps than these do not fill the width: a worker that has just begun has a short past."""
SCALE_END = 1.25
"""A gauge ends a little beyond the line at which SES pauses."""


class Spark(NamedTuple):
    """A line over time, the newest at the right, and the area below it."""

    line: str
    area: str
    wide: int = WIDE
    tall: int = TALL


class Bar(NamedTuple):
    """A ratio as a bar, and where SES's lines cross it."""

    filled: float
    review: float
    pause: float
    wide: int = WIDE


def spark(values: Sequence[float]) -> Spark:
    """Return a line through *values*, oldest first; the largest of them reaches the top."""
    top = max(values, default=0.0) or 1.0
    apart = WIDE / max(len(values) - 1, LEAST_STEPS)
    left = WIDE - apart * (len(values) - 1)
    line = " ".join(f"{left + apart * n:.1f},{TALL - 2 - v / top * (TALL - 6):.1f}" for n, v in enumerate(values))
    return Spark(line, f"{left:.1f},{TALL} {line} {WIDE},{TALL}" if values else "")


def bar(ratio: float, review: float, pause: float) -> Bar:
    """Return a bar up to *ratio*; what is beyond its end fills it."""
    end = pause * SCALE_END
    filled, first, second = (round(min(part / end, 1.0) * WIDE, 1) for part in (ratio, review, pause))
    return Bar(filled, first, second)

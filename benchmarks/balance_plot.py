"""The picture of the partition balance: the heaviest partition over the mean, by the number of partitions.

One line a scenario, both axes logarithmic; plain SVG by hand, like the other pictures here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 48, 56
COLOURS = ("#777777", "#5b8c5a", "#3b6ea5", "#b8860b", "#b03a2e")
TICKS = (1, 1.5, 2, 3, 5, 10)
"""The scale is logarithmic, and ends at ten times the mean."""


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """Return the picture."""
    title = "The heaviest partition of hop 2, over the mean (hop 1: message ids)"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="26" font-size="15">{escape(title)}</text>',
            *_axes(sorted({row["partitions"] for row in rows})),
            *_lines(rows),
            "</svg>\n",
        ]
    )


def _axes(counts: Sequence[int]) -> Iterator[str]:
    for load in TICKS:
        y = _y(load)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{load:g}</text>'
    for count in counts:
        yield f'<text x="{_x(count, counts)}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{count}</text>'
    middle = (LEFT + WIDTH - RIGHT) // 2
    yield f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">partitions</text>'


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(row["keys"] for row in rows))
    counts = sorted({row["partitions"] for row in rows})
    for place, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        loads = [(row["partitions"], row["partition"][0]) for row in rows if row["keys"] == name]
        points = " ".join(f"{_x(count, counts)},{_y(load)}" for count, load in loads)
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'
        for count, load in loads:
            yield f'<circle cx="{_x(count, counts)}" cy="{_y(load)}" r="3" fill="{colour}"/>'
        y, x = TOP + 14 + 24 * place, WIDTH - RIGHT + 18
        yield f'<line x1="{x}" x2="{x + 18}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>'
        yield f'<text x="{x + 26}" y="{y}">{escape(name)}</text>'


def _x(count: int, counts: Sequence[int]) -> float:
    low, high = math.log(counts[0]), math.log(counts[-1])
    part = (math.log(count) - low) / (high - low) if high > low else 0.0
    return round(LEFT + part * (WIDTH - RIGHT - LEFT), 1)


def _y(load: float) -> float:
    part = math.log(min(load, TICKS[-1])) / math.log(TICKS[-1])
    return round(HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP), 1)

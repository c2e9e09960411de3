"""Draws a race: a bar for each contestant, as long as it gets far in a second of processor time, on a logarithmic axis.

Plain SVG by hand; its own white ground makes it readable on a dark page too. Nothing here measures or reads a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from benchmarks.join.figures import OURS, Figures

WIDTH, LEFT, RIGHT, TOP, FOOT = 760, 210, 130, 56, 40
ROW, BAR = 30, 18
OUR_COLOUR, THEIR_COLOUR, FLOOR_COLOUR = "#3b6ea5", "#b8b8b8", "#e2e2e2"
FLOOR = "floor"
TITLE = "Sends joined with their outcomes: events per second of processor time"


def draw(rows: Sequence[Figures], told: str) -> str:
    """Return the picture of these figures, of which there must be some; *told* says where and when it was."""
    height = TOP + ROW * len(rows) + FOOT
    size = f'viewBox="0 0 {WIDTH} {height}"'
    least, most = _ends([one.per_cpu_second for one in rows])
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" fill="#222222">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="{WIDTH / 2:g}" y="24" font-size="15" text-anchor="middle">{TITLE}</text>',
            f'<text x="{WIDTH / 2:g}" y="42" font-size="10" text-anchor="middle" fill="#666666">{escape(told)}</text>',
            *_grid(least, most, height - FOOT),
            *(_bar(one, TOP + ROW * place, least, most) for place, one in enumerate(rows)),
            "</svg>",
            "",
        )
    )


def across(value: float, least: float, most: float) -> float:
    """Return where a value stands on the axis."""
    return round(LEFT + (log10(value) - log10(least)) / (log10(most) - log10(least)) * (WIDTH - LEFT - RIGHT), 1)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten that hold all values; a bar begins at the lower one, so nothing may stand on it."""
    least, most = 10.0 ** (ceil(log10(min(values))) - 1), 10.0 ** ceil(log10(max(values)))
    return least, most


def _grid(least: float, most: float, foot: int) -> list[str]:
    parts = []
    for power in range(floor(log10(least) + 0.5), floor(log10(most) + 0.5) + 1):
        x = across(10.0**power, least, most)
        parts += [
            f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{foot}" stroke="#dddddd"/>',
            f'<text x="{x}" y="{foot + 18}" text-anchor="middle">{10**power:,}</text>',
        ]
    return parts


def _bar(one: Figures, top: int, least: float, most: float) -> str:
    end, middle = across(one.per_cpu_second, least, most), top + ROW / 2 + 4
    colour = (
        OUR_COLOUR if one.contestant.startswith(OURS) else FLOOR_COLOUR if one.contestant == FLOOR else THEIR_COLOUR
    )
    against = "" if one.ratio is None or one.contestant.startswith(OURS) else f" (ours: {one.ratio:.1f} x)"
    return (
        f'<text x="{LEFT - 8}" y="{middle:g}" text-anchor="end">{escape(one.title)}</text>'
        f'<rect x="{LEFT}" y="{top + (ROW - BAR) / 2:g}" width="{end - LEFT:.1f}" height="{BAR}" fill="{colour}"/>'
        f'<text x="{end + 6}" y="{middle:g}">{one.per_cpu_second:,.0f}{against}</text>'
    )

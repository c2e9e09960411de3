"""Draws the latency run as curves: how many of a hundred events have their outcome within how long, at each load.

Plain SVG by hand, since two axes and four lines need no library. Nothing here measures or reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from operator import itemgetter
from typing import Any

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 120, 50, 60
PERCENTS = (50, 90, 99, 99.9, 99.99)
LEAST_MS = 1
NAME = 30
"""Room for a line's name."""
COLOURS = ("#5b8c5a", "#3b6ea5", "#b8860b", "#b03a2e")
TARGET_MS = 250
"""At half load 99 of a hundred must be below it."""


def draw(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the picture; each run has its *load* (None is idle), its *events_per_s* and its *curve*."""
    most = max(TARGET_MS, *(ms for run in runs for _, ms in run["curve"]))
    top = 10.0 ** (int(log10(most)) + 1)
    lines = [_line(run, colour, top) for run, colour in _coloured(runs)]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="26" font-size="15">From event to outcome, milliseconds, by share of events</text>',
            *_grid(top),
            *lines,
            *_names(runs, top),
            "</svg>",
            "",
        )
    )


def across(percent: float) -> float:
    """Return where a percentage stands: each step right has a tenth of what is left."""
    least, most = (-log10(1 - PERCENTS[end] / 100) for end in (0, -1))
    share = (-log10(1 - percent / 100) - least) / (most - least)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def up(ms: float, top: float) -> float:
    """Return where so many milliseconds stand, on a logarithmic scale from LEAST_MS to *top*."""
    share = log10(max(ms, LEAST_MS) / LEAST_MS) / log10(top / LEAST_MS)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _grid(top: float) -> list[str]:
    right, foot = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    ms = float(LEAST_MS)
    while ms <= top:
        y = up(ms, top)
        parts += [
            f'<line x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#dddddd"/>',
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{ms:g}</text>',
        ]
        ms *= 10
    for percent in PERCENTS:
        x = across(percent)
        parts += [
            f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{foot}" stroke="#dddddd"/>',
            f'<text x="{x}" y="{foot + 18}" text-anchor="middle">{percent:g} %</text>',
        ]
    y = up(TARGET_MS, top)
    return [
        *parts,
        f'<line x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#888888" stroke-dasharray="4 4"/>',
        f'<text x="{LEFT + 4}" y="{y - 5}" fill="#666666">{TARGET_MS} ms: the target for 99 % at half load</text>',
    ]


def _line(run: Mapping[str, Any], colour: str, top: float) -> str:
    points = " ".join(f"{across(percent)},{up(ms, top)}" for percent, ms in _shown(run))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _names(runs: Sequence[Mapping[str, Any]], top: float) -> list[str]:
    """Return the lines' names at the right, each as near to its line's end as the ones below it let it be."""
    ends = sorted(((up(_shown(run)[-1][1], top), run, colour) for run, colour in _coloured(runs)), key=itemgetter(0))
    parts, free = [], float(HEIGHT - BOTTOM)
    for y, run, colour in reversed(ends):
        free = min(y, free)
        load = "idle" if run["load"] is None else f"{run['load']:.0%} load"
        rate, place = f"{run['events_per_s']:,.0f} events/s", f'x="{WIDTH - RIGHT + 8}" fill="{colour}"'
        parts += [
            f'<text {place} y="{free}">{load}</text>',
            f'<text {place} y="{free + 13}" font-size="10">{rate}</text>',
        ]
        free -= NAME
    return parts


def _coloured(runs: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], str]]:
    return list(zip(runs, COLOURS, strict=False))


def _shown(run: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(percent, ms) for percent, ms in run["curve"] if percent <= PERCENTS[-1]]

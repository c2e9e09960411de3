"""Figures of a race, from the lines of its history: medians, ratios, and the table that people read.

A line is one run. All is for one event, so that runs of different sizes can be held against each other; a ratio is of
two runs of one round, since a machine is not as fast every minute. Nothing here measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

OURS = "ours"
MICRO = 1e6
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One contestant's medians.

    *ratio* is how many times its processor time ours would have lasted, *unmatched* the share of outcomes whose Send it
    did not find, though there is one.
    """

    contestant: str
    title: str
    runs: int
    events: int
    per_second: float
    per_cpu_second: float
    cpu_us: float
    peak_mb: float
    broker_us: float
    ratio: float | None
    unmatched: float


def last_race(lines: Sequence[Line]) -> list[Line]:
    """Return the runs of the race that began last."""
    races = [str(line["race"]) for line in lines]
    return [line for line in lines if line["race"] == max(races)] if races else []


def figures(lines: Iterable[Line]) -> list[Figures]:
    """Return the figures of each contestant that was right at least once, the most frugal first."""
    right = [line for line in lines if not line["wrong"]]
    names = dict.fromkeys(str(line["contestant"]) for line in right)
    every = [_one([line for line in right if line["contestant"] == name], right) for name in names]
    return sorted(every, key=lambda one: one.cpu_us)


def _one(mine: Sequence[Line], right: Sequence[Line]) -> Figures:
    used = median(line["cpu_s"] / line["events"] for line in mine)
    return Figures(
        contestant=mine[0]["contestant"],
        title=mine[0]["title"],
        runs=len(mine),
        events=mine[0]["events"],
        per_second=median(line["events"] / line["seconds"] for line in mine),
        per_cpu_second=1 / used,
        cpu_us=MICRO * used,
        peak_mb=median(line["peak_mb"] for line in mine),
        broker_us=MICRO * median(line["broker_cpu_s"] / line["events"] for line in mine),
        unmatched=median(1 - line["matched"] / line["outcomes"] if "matched" in line else 0.0 for line in mine),
        ratio=_ratio(mine, {line["round"]: line for line in right if line["contestant"] == OURS}),
    )


def _ratio(mine: Sequence[Line], ours: Mapping[int, Line]) -> float | None:
    """Return the median over the rounds in which both were right; None where there is no such round."""
    pairs = [(line, ours[line["round"]]) for line in mine if line["round"] in ours]
    ratios = [(one["cpu_s"] / one["events"]) / (our["cpu_s"] / our["events"]) for one, our in pairs]
    return median(ratios) if ratios else None


HEADS = (
    "contestant",
    "events/s",
    "events/CPU-s",
    "us CPU/event",
    "peak MB",
    "broker us/event",
    "ours is",
    "no send",
    "events",
    "runs",
)


def table(rows: Iterable[Figures]) -> str:
    """Return the figures as a table in Markdown, which is also well to read on a terminal."""
    body = [
        (
            one.title,
            f"{one.per_second:,.0f}",
            f"{one.per_cpu_second:,.0f}",
            f"{one.cpu_us:.1f}",
            f"{one.peak_mb:,.0f}",
            f"{one.broker_us:.1f}",
            "" if one.ratio is None or one.contestant == OURS else f"{one.ratio:.1f} x",
            f"{one.unmatched:.1%}" if one.unmatched else "",
            f"{one.events:,}",
            str(one.runs),
        )
        for one in rows
    ]
    widths = [max(len(row[place]) for row in (HEADS, *body)) for place in range(len(HEADS))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_row(row, widths) for row in (HEADS, rule, *body))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    return (
        "| "
        + " | ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))])
        + " |"
    )


def split(line: Line) -> str:
    """Return where the time of a run of ours went, as it says itself: microseconds of wall clock an event."""
    rows = [
        f"  {step:<28} {MICRO * seconds / line['events']:6.2f}"
        for step, seconds in sorted(line["steps"].items(), key=lambda item: -item[1])
    ]
    head = f"{line['title']}: us an event ({line['events']:,} events; steps overlap, and waiting is in them)"
    return "\n".join([head, *rows, f"  {'processor, all of it':<28} {MICRO * line['cpu_s'] / line['events']:6.2f}"])

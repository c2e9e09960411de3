"""Draws one kind of panel each, from its JSON and its series: numbers, lines, bars, heat maps, states, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from tests.grafana import svg
from tests.grafana.figures import written
from tests.grafana.reading import Panel

Columns = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series, with the name and colour that Grafana would give it."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a panel may draw."""

    x: float
    y: float
    w: float
    h: float


def _unit(panel: Panel) -> str:
    return str(panel["fieldConfig"]["defaults"]["unit"])


def _steps(panel: Panel) -> list[dict[str, Any]]:
    return list((panel["fieldConfig"]["defaults"].get("thresholds") or {}).get("steps") or ())


def _by_steps(value: float, steps: Sequence[dict[str, Any]], otherwise: str = svg.INK) -> str:
    """Return the colour that a value has by thresholds."""
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return svg.NAMED[reached[-1]] if reached else otherwise


def _numbers(panel: Panel, series: Sequence[Drawn], frame: Frame) -> Iterator[str]:
    each = frame.w / len(series)
    for place, one in enumerate(series):
        x, colour = frame.x + place * each, _by_steps(one.last, _steps(panel))
        if len(one.points) > 1:
            yield from _spark(one.points, colour, Frame(x, frame.y + frame.h * 0.55, each, frame.h * 0.45))
        words = written(one.last, _unit(panel))
        size = min(30.0, each / max(len(words), 1) * 1.6)
        yield svg.text(x + each / 2, frame.y + frame.h * 0.5, words, size=size, fill=colour, anchor="middle", bold=True)
        if len(series) > 1 and one.name:
            yield svg.text(x + each / 2, frame.y + frame.h * 0.75, one.name, fill=svg.FAINT, anchor="middle")


def _spark(points: Sequence[tuple[float, float]], colour: str, frame: Frame) -> Iterator[str]:
    most = max(value for _, value in points) or 1
    first, last = points[0][0], points[-1][0]
    path = [
        (frame.x + (at - first) / (last - first or 1) * frame.w, frame.y + frame.h * (1 - max(value, 0) / most))
        for at, value in points
    ]
    yield svg.area([(path[0][0], frame.y + frame.h), *path, (path[-1][0], frame.y + frame.h)], colour, 0.15)
    yield svg.curve(path, colour, width=1)


def over_time(panel: Panel, series: Sequence[Drawn], frame: Frame, span: tuple[float, float]) -> Iterator[str]:
    """Draw lines from the beginning of *span* to its end."""
    custom = panel["fieldConfig"]["defaults"].get("custom") or {}
    stacked = (custom.get("stacking") or {}).get("mode") == "normal"
    levels = _stacked(series) if stacked else [one.points for one in series]
    peak = max(value for points in levels for _, value in points)
    top = max(peak * 1.08, custom.get("axisSoftMax") or 0) or 1
    (start, end), unit = span, _unit(panel)
    unit = "short" if unit.startswith("count:") else unit
    plot = Frame(frame.x + 52, frame.y + 4, frame.w - 56, frame.h - 40)

    def place(at: float, value: float) -> tuple[float, float]:
        return plot.x + (at - start) / (end - start) * plot.w, plot.y + plot.h * (1 - value / top)

    for part in range(5):
        y = place(start, top * part / 4)[1]
        yield svg.across(plot.x, plot.w, y, svg.LINE)
        yield svg.text(plot.x - 5, y + 4, written(top * part / 4, unit), size=9, fill=svg.FAINT, anchor="end")
    for part in range(5):
        at = start + (end - start) * part / 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        words = f"{at - start:.0f} s"
        yield svg.text(place(at, 0)[0], plot.y + plot.h + 12, words, size=9, fill=svg.FAINT, anchor=anchor)
    base: Sequence[tuple[float, float]] = [(at, 0.0) for at, _ in levels[0]]
    for one, points in zip(series, levels, strict=True):
        path = [place(*point) for point in points]
        floor = (
            [place(*point) for point in reversed(base)]
            if stacked
            else [(path[-1][0], plot.y + plot.h), (path[0][0], plot.y + plot.h)]
        )
        yield svg.area([*path, *floor], one.colour, 0.6 if stacked else 0.06)
        yield svg.curve(path, one.colour)
        base = points
    for step in _steps(panel):
        if step["value"] and step["value"] <= top and custom.get("thresholdsStyle", {}).get("mode", "off") != "off":
            yield svg.across(plot.x, plot.w, place(start, step["value"])[1], svg.NAMED[step["color"]], dashed=True)
    yield from _names(series, Frame(frame.x, frame.y + frame.h - 14, frame.w, 14))


def _stacked(series: Sequence[Drawn]) -> list[list[tuple[float, float]]]:
    """Return each series upon those before it; one that has no value at a time has none of its own height."""
    times = sorted({at for one in series for at, _ in one.points})
    heights = dict.fromkeys(times, 0.0)
    levels = []
    for one in series:
        values = dict(one.points)
        heights = {at: heights[at] + values.get(at, 0.0) for at in times}
        levels.append(list(heights.items()))
    return levels


def _names(series: Sequence[Drawn], frame: Frame) -> Iterator[str]:
    x = frame.x
    for one in series:
        room = 24 + svg.width(one.name, 10)
        if x + room > frame.x + frame.w:
            yield svg.text(x, frame.y + 10, "…", size=10)
            return
        yield svg.box(x, frame.y + 5, 12, 3, one.colour)
        yield svg.text(x + 16, frame.y + 10, one.name, size=10, fill=svg.FAINT)
        x += room


def _bars(panel: Panel, series: Sequence[Drawn], frame: Frame) -> Iterator[str]:
    most = max(one.last for one in series) or 1
    height = min(30.0, frame.h / len(series))
    name_w = max(svg.width(one.name, 11) for one in series) + 8
    bar_w = frame.w - name_w - 56
    for place, one in enumerate(series):
        y = frame.y + place * height
        yield svg.text(frame.x + name_w - 6, y + height * 0.62, one.name, anchor="end")
        yield svg.box(frame.x + name_w, y + 3, bar_w, height - 6, svg.GROUND)
        yield svg.box(frame.x + name_w, y + 3, bar_w * max(one.last, 0) / most, height - 6, one.colour, opacity=0.85)
        yield svg.text(frame.x + name_w + bar_w + 6, y + height * 0.62, written(one.last, _unit(panel)), bold=True)


def _heat(panel: Panel, series: Sequence[Drawn], frame: Frame) -> Iterator[str]:
    rows = sorted(series, key=lambda one: float(one.name))
    counts = [dict(one.points) for one in rows]
    most = max(max(row.values()) for row in counts) or 1
    times = sorted({at for row in counts for at in row})
    plot = Frame(frame.x + 52, frame.y + 2, frame.w - 56, frame.h - 10)
    wide, high = plot.w / len(times), plot.h / len(rows)
    for level, one in enumerate(rows):
        y = plot.y + plot.h - (level + 1) * high
        words = "+Inf" if one.name == "+Inf" else written(float(one.name), "s")
        yield svg.text(plot.x - 5, y + high / 2 + 3, words, size=8, fill=svg.FAINT, anchor="end")
        below = counts[level - 1] if level else {}
        for column, at in enumerate(times):
            part = (counts[level].get(at, 0.0) - below.get(at, 0.0)) / most
            if part > 0.002:
                yield svg.box(plot.x + column * wide, y, wide, high - 1, "#E36209", opacity=0.1 + 0.9 * min(part, 1))


def _states(panel: Panel, series: Sequence[Drawn], frame: Frame) -> Iterator[str]:
    high = min(28.0, frame.h / len(series))
    for row, one in enumerate(series):
        y = frame.y + row * high
        yield svg.text(frame.x + 84, y + high * 0.62, one.name, anchor="end")
        left, width = frame.x + 92, frame.w - 96
        first, last = one.points[0][0], one.points[-1][0]
        begun = [(next(same)[0], value) for value, same in groupby(one.points, key=itemgetter(1))]
        for (at, value), (after, _) in pairwise([*begun, (last, 0.0)]):
            x, end = (left + (moment - first) / (last - first or 1) * width for moment in (at, after))
            yield svg.box(x, y + 3, end - x, high - 6, _by_steps(value, _steps(panel)))
            if end - x > svg.width(_word(panel, value), 10) + 12:
                yield svg.text(x + 6, y + high * 0.62, _word(panel, value), size=10, fill=svg.PAPER)


def _word(panel: Panel, value: float) -> str:
    """Return the word that a panel has for a value."""
    mapped = panel["fieldConfig"]["defaults"]["mappings"][0]["options"].get(f"{value:g}", {})
    return str(mapped.get("text", ""))


def cells(panel: Panel, columns: Columns, frame: Frame) -> Iterator[str]:
    """Draw a table: *columns* by name, each with its values by row."""
    by = panel["transformations"][0]["options"]["byField"]
    looks = {
        override["matcher"]["options"]: {one["id"]: one["value"] for one in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }
    first = next(iter(columns.values()))
    rows = sorted({row for column in columns.values() for row in column}, key=lambda row: -first.get(row, -1))
    wide, high = frame.w / (len(columns) + 1), min(28.0, frame.h / (len(rows) + 1))
    for place, name in enumerate((by, *columns)):
        x = frame.x + place * wide
        yield svg.text(x + 6, frame.y + high * 0.62, name, bold=True, fill="#1250B0")
        yield svg.across(x, wide, frame.y + high - 2, svg.LINE)
        for line, row in enumerate(rows, 1):
            y = frame.y + line * high
            if not place:
                yield svg.text(x + 6, y + high * 0.62, row)
                continue
            value = columns[name].get(row)
            if value is None:
                continue
            steps = (looks[name].get("thresholds") or {}).get("steps")
            if steps:
                yield svg.box(x, y + 1, wide - 2, high - 2, _by_steps(value, steps), opacity=0.8)
            yield svg.text(
                x + 6, y + high * 0.62, written(value, looks[name]["unit"]), fill="#ffffff" if steps else svg.INK
            )


KINDS = {
    "stat": _numbers,
    "bargauge": _bars,
    "heatmap": _heat,
    "state-timeline": _states,
}

"""Draws a dashboard from its JSON and Prometheus's answers, much as Grafana would: places, titles, units, colours.

It shows layout and data to whoever has no Grafana at hand, and it is no Grafana: no tooltips, and a look that is only
alike. It must read nothing of the code that makes the dashboards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tests.grafana import charts, svg
from tests.grafana.charts import Drawn, Frame
from tests.grafana.reading import Dashboard, Panel
from tests.grafana.server import Series

UNIT_W, UNIT_H, GAP = 55.0, 32.0, 6.0
EDGE, HEAD = 10.0, 54.0
TITLE = 22.0


class Answers(Protocol):
    """Whoever answers a panel's query."""

    def __call__(self, expr: str, *, at_once: bool) -> Sequence[Series]:
        """Return what it answers, at the last moment only or over all the time."""


def draw(board: Dashboard, answers: Answers, span: tuple[float, float]) -> str:
    """Return the picture; *span* is the time that all graphs show."""
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    width, height = 24 * UNIT_W + 2 * EDGE, bottom * UNIT_H + HEAD + EDGE
    size = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    shown = [one for one in board["templating"]["list"] if one["type"] == "query"]
    chosen = "     ".join(f"{one['label']}: All" for one in shown)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Inter, Helvetica, Arial, sans-serif">',
            svg.box(0, 0, width, height, svg.GROUND),
            svg.text(EDGE + 4, 24, board["title"], size=17, bold=True),
            svg.text(EDGE + 4, 43, chosen, fill=svg.FAINT),
            *(part for panel in board["panels"] for part in _panel(panel, answers, span)),
            "</svg>\n",
        )
    )


def _panel(panel: Panel, answers: Answers, span: tuple[float, float]) -> Iterator[str]:
    grid = panel["gridPos"]
    x, y = EDGE + grid["x"] * UNIT_W, HEAD + grid["y"] * UNIT_H
    if panel["type"] == "row":
        yield svg.text(x + 4, y + 21, f"⌄  {panel['title']}", size=14, bold=True)
        return
    w, h = grid["w"] * UNIT_W - GAP, grid["h"] * UNIT_H - GAP
    yield svg.box(x, y, w, h, svg.PAPER, stroke=svg.LINE)
    yield svg.text(x + 8, y + 16, panel["title"], size=12, bold=True)
    frame = Frame(x + 8, y + TITLE, w - 16, h - TITLE - 8)
    series = [] if panel["type"] == "table" else _series(panel, answers)
    if panel["type"] == "table":
        yield from charts.cells(panel, _columns(panel, answers), frame)
    elif not series:
        yield svg.text(
            x + w / 2,
            y + h / 2 + 8,
            panel["fieldConfig"]["defaults"].get("noValue", "No data"),
            size=13,
            fill=svg.FAINT,
            anchor="middle",
        )
    elif panel["type"] == "timeseries":
        yield from charts.over_time(panel, series, frame, span)
    else:
        yield from charts.KINDS[panel["type"]](panel, series, frame)


def _series(panel: Panel, answers: Answers) -> list[Drawn]:
    fixed = {
        override["matcher"]["options"]: one["value"].get("fixedColor")
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "color"
    }
    drawn: list[Drawn] = []
    for target in panel["targets"]:
        for labels, points in answers(target["expr"], at_once=bool(target.get("instant"))):
            name = _legend(target.get("legendFormat", ""), labels)
            colour = svg.NAMED[fixed[name]] if name in fixed else svg.CLASSIC[len(drawn) % len(svg.CLASSIC)]
            drawn.append(Drawn(name, colour, points))
    return drawn


def _legend(pattern: str, labels: dict[str, str]) -> str:
    for label in sorted(labels, key=len, reverse=True):
        pattern = pattern.replace(f"{{{{{label}}}}}", labels[label])
    return pattern


def _columns(panel: Panel, answers: Answers) -> dict[str, dict[str, float]]:
    """Return a table's columns by the names that they have there."""
    by = panel["transformations"][0]["options"]["byField"]
    names = panel["transformations"][1]["options"]["renameByName"]
    found = {target["refId"]: answers(target["expr"], at_once=True) for target in panel["targets"]}
    return {
        names[f"Value #{ref}"]: {labels[by]: points[-1][1] for labels, points in series}
        for ref, series in found.items()
    }

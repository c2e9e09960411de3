"""What all dashboards have: variables, links to each other, alerts drawn into the graphs, and rows of questions.

A board is data until `made` turns it into Grafana's model. Ids and places follow from the order of the rows, so that
the same code makes the same file; the uid is for ever, since links and bookmarks hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as shape

from deploy.grafana.look import DATASOURCE
from deploy.grafana.panels import Shown

TAG = "ses-streams"
WIDTH = 24
ALERTS = 'ALERTS{alertname=~"Ses.*", alertstate="firing"}'
DOCS = "https://git.example.com/ses-streams/docs"
"""Stands for the place where each house has this repository: `make dashboards DOCS=...` says it."""


class Stack:
    """Panels of one width, one below the other."""

    def __init__(self, *panels: Shown) -> None:
        """Keep them."""
        self.panels = panels


class Row:
    """One question, and the panels that answer it."""

    def __init__(self, question: str, *panels: Shown | Stack) -> None:
        """Keep both."""
        self.question, self.panels = question, panels


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard.

    name: that of its file, and the end of its uid.
    variables: which of stream and provider can be chosen, besides the data source and the job.
    """

    name: str
    title: str
    about: str
    variables: Sequence[str]
    rows: Sequence[Row]
    since: str = "now-6h"

    def text(self, docs: str = DOCS) -> str:
        """Return the dashboard as Grafana reads it; *docs* is where people read our docs/."""
        return JSONEncoder(sort_keys=True, indent=2).encode(self.made(docs)) + "\n"

    def made(self, docs: str) -> shape.Dashboard:
        """Return the dashboard as Grafana's model."""
        board = (
            build.Dashboard(self.title)
            .uid(f"{TAG}-{self.name}")
            .description(self.about)
            .tags([TAG])
            .readonly()
            .timezone("browser")
            .time(self.since, "now")
            .refresh("30s")
            .tooltip(shape.DashboardCursorSync.CROSSHAIR)
            .variables(
                [build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"), *self._chosen(docs)]
            )
            .link(_to_the_others())
            .build()
        )
        alerts = _Alerts(name="Alerts", datasource=DATASOURCE, enable=True, icon_color="red", expr=ALERTS)
        board.annotations = shape.AnnotationContainer(list_val=[alerts])
        board.panels = list(_placed(self.rows))
        return board

    def _chosen(self, docs: str) -> Iterator[build.QueryVariable | build.ConstantVariable]:
        yield _values_of("job", "Job", "ses_build_info")
        if "stream" in self.variables:
            yield _values_of("stream", "Stream", 'ses_sends_total{job=~"$job"}')
        if "provider" in self.variables:
            yield _values_of("provider", "Provider", 'ses_outcomes_total{job=~"$job"}')
        yield build.ConstantVariable("docs").value(docs)


def _values_of(label: str, name: str, series: str) -> build.QueryVariable:
    """Return a variable with the values of a label, any number of which may be chosen."""
    return (
        build.QueryVariable(label)
        .label(name)
        .datasource(DATASOURCE)
        .query(f"label_values({series}, {label})")
        .refresh(shape.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(shape.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(shape.VariableOption(selected=True, text="All", value="$__all"))
    )


def _to_the_others() -> build.DashboardLink:
    """Return links to the other boards, which keep the time and what was chosen."""
    return (
        build.DashboardLink("ses-streams")
        .type(shape.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(keep_time=True)
        .include_vars(include_vars=True)
    )


class _Alerts(shape.AnnotationQuery):
    """The alerts of deploy/prometheus, drawn into every graph while they fire; the SDK knows no words for them."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON, with what the mark says."""
        return {**super().to_json(), "titleFormat": "{{alertname}}", "textFormat": "{{severity}} {{stream}}"}


def _placed(rows: Sequence[Row]) -> Iterator[shape.Panel | shape.RowPanel]:
    """Yield rows and panels with ids and places, from left to right and down."""
    ids, top = count(1), 0
    for row in rows:
        grid = shape.GridPos(x=0, y=top, w=WIDTH, h=1)
        yield shape.RowPanel(id_val=next(ids), title=row.question, collapsed=False, grid_pos=grid)
        top, left, tallest = top + 1, 0, 0
        for stack in (one if isinstance(one, Stack) else Stack(one) for one in row.panels):
            width, height = stack.panels[0].width, sum(shown.height for shown in stack.panels)
            if left + width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            y = top
            for shown in stack.panels:
                panel = shown.panel()
                panel.id_val, panel.grid_pos = next(ids), shape.GridPos(x=left, y=y, w=width, h=shown.height)
                y += shown.height
                yield panel
            left, tallest = left + width, max(tallest, height)
        top += tallest

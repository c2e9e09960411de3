"""The panels that our dashboards are made of, all of one look: numbers, lines, bars, heat maps, states.

Each says its title, what its reader should do (it stands behind the panel's "i"), its queries and their unit; widths
and heights are Grafana's, of which a row has 24. No metric is named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as shape
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

from deploy.grafana.look import (
    BY_TURN,
    COLOURS,
    COUNT,
    DATASOURCE,
    FIXED,
    LAST,
    Override,
    Query,
    Step,
    entry,
    link,
    override,
    target,
    thresholds,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What all panels have.

    nothing: what stands there when no series answers, and that is well.
    alerts: those of deploy/prometheus that watch the same thing; docs/runbook.md has a heading for each.
    """

    title: str
    does: str
    _: KW_ONLY
    unit: str = COUNT
    steps: Sequence[Step] = ()
    width: int = 8
    height: int = 8
    nothing: str | None = None
    alerts: Sequence[str] = ()

    def panel(self) -> shape.Panel:
        """Return it as Grafana's model."""
        made = self._kind()
        made.title, made.description, made.datasource = self.title, self._said(), DATASOURCE
        made.links = [link(alert) for alert in self.alerts] or None
        made.targets = list(self._targets())
        defaults = shape.FieldConfig() if made.field_config is None else made.field_config.defaults
        defaults.unit = self.unit
        defaults.thresholds = thresholds(self.steps) if self.steps else None
        defaults.color, defaults.no_value = self._colour(), self.nothing
        overrides = list(self._overrides())
        made.field_config = shape.FieldConfigSource(defaults=defaults, overrides=overrides)
        return made

    def _said(self) -> str:
        """Return what to do, and which alerts say that it is time to; pages become links."""
        alerts = ", ".join(f"[{alert}]({entry(alert)})" for alert in self.alerts)
        told = f"{self.does}\n\nAlerts: {alerts}." if alerts else self.does
        return re.sub(r"\bdocs/([a-z-]+\.md)", r"[docs/\1](${docs}/\1)", told)

    def _kind(self) -> shape.Panel:
        """Return a panel of its kind."""
        raise NotImplementedError

    def _targets(self) -> Iterable[Dataquery]:
        """Return its queries."""
        raise NotImplementedError

    def _colour(self) -> shape.FieldColor:
        """Return how values get their colours."""
        return shape.FieldColor(mode=shape.FieldColorModeId.THRESHOLDS if self.steps else BY_TURN)

    def _overrides(self) -> Iterable[Override]:
        """Return what holds of single series or columns."""
        return ()


@dataclass(frozen=True, slots=True)
class _Asking(Shown):
    """A panel of one query or more, each with its legend.

    at_once: ask for the last moment only, since the query itself spans all that the time picker shows.
    """

    query: Query
    _: KW_ONLY
    more: Sequence[Query] = ()
    at_once: bool = False

    def _targets(self) -> Iterable[Dataquery]:
        for ref, query in zip(ascii_uppercase, self._asked(), strict=False):
            yield target(query, ref, at_once=self.at_once)

    def _asked(self) -> Sequence[Query]:
        return self.query, *self.more


@dataclass(frozen=True, slots=True)
class Number(_Asking):
    """One large number, or a few, with the past behind."""

    _: KW_ONLY
    width: int = 4
    height: int = 4

    def _kind(self) -> shape.Panel:
        return (
            stat.Panel()
            .reduce_options(LAST)
            .graph_mode(words.BigValueGraphMode.NONE if self.at_once else words.BigValueGraphMode.AREA)
            .color_mode(words.BigValueColorMode.VALUE)
            .build()
        )


@dataclass(frozen=True, slots=True)
class Lines(_Asking):
    """Values over time; steps are lines across, and *least_top* lets small values look small."""

    _: KW_ONLY
    width: int = 12
    stacked: bool = False
    least_top: float | None = None

    def _kind(self) -> shape.Panel:
        made = (
            timeseries.Panel()
            .line_width(1)
            .fill_opacity(60 if self.stacked else 8)
            .show_points(words.VisibilityMode.NEVER)
            .min(0)
            .legend(
                common.VizLegendOptions()
                .display_mode(words.LegendDisplayMode.LIST)
                .placement(words.LegendPlacement.BOTTOM)
                .show_legend(show_legend=True)
            )
            .tooltip(common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI).sort(words.SortOrder.DESCENDING))
        )
        if self.stacked:
            made.stacking(common.StackingConfig().mode(words.StackingMode.NORMAL).group("A"))
        if self.steps:
            made.thresholds_style(common.GraphThresholdsStyleConfig().mode(words.GraphThresholdsStyleMode.DASHED))
        if self.least_top is not None:
            made.axis_soft_max(self.least_top)
        return made.build()

    def _colour(self) -> shape.FieldColor:
        return shape.FieldColor(mode=BY_TURN)

    def _overrides(self) -> Iterable[Override]:
        for word, colour in COLOURS.get(self.query.legend.strip("{}"), {}).items():
            yield override(word, color=shape.FieldColor(mode=FIXED, fixed_color=colour))


@dataclass(frozen=True, slots=True)
class Bars(_Asking):
    """One bar a series, the longest first, as they are at the end of what the time picker shows."""

    _: KW_ONLY
    at_once: bool = True

    def _kind(self) -> shape.Panel:
        return (
            bargauge.Panel()
            .orientation(words.VizOrientation.HORIZONTAL)
            .display_mode(words.BarGaugeDisplayMode.BASIC)
            .reduce_options(LAST)
            .min(0)
            .build()
        )

    def _asked(self) -> Sequence[Query]:
        first = self.query if self.more else Query(f"sort_desc({self.query.expr})", self.query.legend)
        return first, *self.more


@dataclass(frozen=True, slots=True)
class Heat(_Asking):
    """A histogram over time: the darker, the more."""

    _: KW_ONLY
    width: int = 12

    def _kind(self) -> shape.Panel:
        return (
            heatmap.Panel()
            .calculate(calculate=False)
            .cell_gap(1)
            .y_axis(heatmap.YAxisConfig().unit(self.unit))
            .color(heatmap.HeatmapColorOptions().scheme("Oranges").steps(64))
            .build()
        )

    def _targets(self) -> Iterable[Dataquery]:
        yield target(self.query, "A", form=PromQueryFormat.HEATMAP)


@dataclass(frozen=True, slots=True)
class States(_Asking):
    """One band a series, in the colour of its value; *called* has a word for each."""

    _: KW_ONLY
    called: Mapping[int, str]
    width: int = 12

    def _kind(self) -> shape.Panel:
        named = {str(value): shape.ValueMappingResult(text=word, index=value) for value, word in self.called.items()}
        made = statetimeline.Panel().show_value(words.VisibilityMode.AUTO).row_height(0.8)
        return made.mappings([shape.ValueMap(options=named)]).build()

"""What all panels share: words for units and colours, a query, a threshold, and the ways out of a panel to docs/.

A word has the same colour everywhere (COLOURS). No metric is named here, and no kind of panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, prometheus
from grafana_foundation_sdk.models import dashboard as shape
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

DATASOURCE = shape.DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, WARN, BAD = "green", "orange", "red"
BY_TURN, FIXED = shape.FieldColorModeId.PALETTE_CLASSIC, shape.FieldColorModeId.FIXED
LAST = common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
Override = shape.DashboardFieldConfigSourceOverrides

COUNT, SHARE, SECONDS, BYTES, AMOUNT = "short", "percentunit", "s", "bytes", "locale"
MAILS_PER_S, RECORDS_PER_S, PER_S = "count:mails/s", "count:records/s", "count:/s"
COLOURS: Mapping[str, Mapping[str, str]] = {
    "kind": {
        "DELIVERED": "green",
        "OPENED": "light-green",
        "CLICKED": "super-light-green",
        "HARD_BOUNCED": "red",
        "SOFT_BOUNCED": "orange",
        "COMPLAINED": "purple",
        "DELAYED": "yellow",
        "AUTO_REPLIED": "blue",
        "UNSUBSCRIBED": "light-purple",
        "SUPPRESSED": "semi-dark-red",
        "LOOPING": "dark-blue",
    },
    "result": {
        "sent": "green",
        "again": "yellow",
        "held": "light-blue",
        "paused": "orange",
        "failed": "red",
        "suppressed": "semi-dark-red",
        "looping": "dark-blue",
        "expired": "purple",
        "scheduled": "blue",
        "due": "green",
        "cancelled": "light-blue",
        "exhausted": "red",
    },
}
"""By label, the words that have one colour wherever they stand."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus; *legend* names what it answers, by its labels."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """From *at* on a value has this colour; the first step has no beginning."""

    at: float | None
    colour: str


def target(
    query: Query, ref: str, *, at_once: bool = False, form: PromQueryFormat = PromQueryFormat.TIME_SERIES
) -> Dataquery:
    """Return a query as Grafana's model."""
    made = prometheus.Dataquery().expr(query.expr).ref_id(ref).format(form).legend_format(query.legend)
    return (made.instant() if at_once else made.range()).datasource(DATASOURCE).build()


def thresholds(steps: Sequence[Step]) -> shape.ThresholdsConfig:
    """Return steps as Grafana's model."""
    made = [shape.Threshold(value=step.at, color=step.colour) for step in steps]
    return shape.ThresholdsConfig(mode=shape.ThresholdsMode.ABSOLUTE, steps=made)


def entry(alert: str) -> str:
    """Return where an alert's entry in the runbook is."""
    return f"${{docs}}/runbook.md#{alert.lower()}"


def link(alert: str) -> shape.DashboardLink:
    """Return the way to an alert's entry in the runbook."""
    return shape.DashboardLink(
        title=f"{alert}: what to do",
        type_val=shape.DashboardLinkType.LINK,
        url=entry(alert),
        target_blank=True,
    )


def override(name: str, **look: object) -> Override:
    """Return what holds of the series or column of this name."""
    properties = [shape.DynamicConfigValue(id_val=id_val, value=value) for id_val, value in look.items()]
    return Override(matcher=shape.MatcherConfig(id_val="byName", options=name), properties=properties)

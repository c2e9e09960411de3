"""The one panel that is made of columns: a table, with a row for each value of one label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import (
    common,
    table,
)
from grafana_foundation_sdk.models import dashboard as shape
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

from deploy.grafana.look import (
    Override,
    Query,
    Step,
    override,
    target,
    thresholds,
)
from deploy.grafana.panels import Shown


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its query is joined with the other columns' by the label that the table is by."""

    name: str
    expr: str
    unit: str
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class Table(Shown):
    """A row for each value of the label *by*; the first column sorts them, the largest first."""

    _: KW_ONLY
    by: str
    columns: Sequence[Column]
    width: int = 24
    height: int = 7

    def _kind(self) -> shape.Panel:
        first = common.TableSortByFieldState().display_name(self.columns[0].name).desc(desc=True)
        made = table.Panel().sort_by([first]).build()
        names = {f"Value #{ref}": column.name for ref, column in zip(ascii_uppercase, self.columns, strict=False)}
        times = ["Time", *(f"Time {number}" for number in range(1, len(names) + 1))]
        order = {name: place for place, name in enumerate((self.by, *names))}
        organize = {"excludeByName": dict.fromkeys(times, True), "indexByName": order, "renameByName": names}
        made.transformations = [
            shape.DataTransformerConfig(id_val="joinByField", options={"byField": self.by, "mode": "outer"}),
            shape.DataTransformerConfig(id_val="organize", options=organize),
        ]
        return made

    def _targets(self) -> Iterable[Dataquery]:
        for ref, column in zip(ascii_uppercase, self.columns, strict=False):
            yield target(Query(column.expr), ref, at_once=True, form=PromQueryFormat.TABLE)

    def _overrides(self) -> Iterable[Override]:
        for column in self.columns:
            look: dict[str, object] = {"unit": column.unit}
            if column.steps:
                cell = {"type": "color-background", "mode": "basic"}
                look |= {"thresholds": thresholds(column.steps), "custom.cellOptions": cell}
            yield override(column.name, **look)

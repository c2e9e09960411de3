"""Reads the dashboards as Grafana would: the JSON beside the code, its panels, its queries with their variables.

What a test may say of a dashboard it says of these files, not of the code that makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "grafana"
Dashboard = dict[str, Any]
Panel = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of one panel, as written there."""

    board: str
    panel: str
    ref: str
    expr: str
    instant: bool
    legend: str

    def __str__(self) -> str:
        """Say where it stands."""
        return f"{self.board}: {self.panel}: {self.ref}"


def dashboards() -> dict[str, Dashboard]:
    """Return every dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def panels(board: Dashboard) -> list[Panel]:
    """Return the panels of a dashboard, without its rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def asked(name: str, board: Dashboard) -> Iterator[Asked]:
    """Yield every query of a dashboard."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield Asked(
                name,
                panel["title"],
                target["refId"],
                target["expr"],
                bool(target.get("instant")),
                target.get("legendFormat", ""),
            )


def with_values(expr: str, values: Mapping[str, str]) -> str:
    """Return a query with Grafana's variables filled in, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(f"${name}", values[name])
    return expr

"""What in deploy/helm is made from something else: the schema of values, the README, copies of rules and dashboards.

Helm reads no file outside of the chart, so the rules and dashboards that tests prove elsewhere are copied in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.chart.readme import readme
from tests.chart.values_schema import values_schema

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm"


def made() -> dict[Path, str]:
    """Return every file that is made, with what it must hold."""
    return {
        CHART / "values.schema.json": values_schema(),
        CHART / "README.md": readme(CHART / "values.yaml"),
        **{CHART / "files" / source.parent.name / source.name: _text(source) for source in sources()},
    }


def sources() -> Iterator[Path]:
    """Yield the files that are copied: of Prometheus's only rules, not how one is run."""
    yield from (path for path in sorted((ROOT / "deploy/prometheus").glob("*.yml")) if "\ngroups:" in _text(path))
    yield from sorted((ROOT / "deploy/grafana").glob("*.json"))


def copies() -> set[Path]:
    """Return the copies that are there."""
    return {path for path in (CHART / "files").rglob("*") if path.is_file()}


def write() -> None:
    """Make them all, and take away copies of what is gone."""
    wanted = made()
    for path in copies() - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")

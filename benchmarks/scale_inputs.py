"""What the arithmetic of docs/scale.md rests on: the latest results of other benchmarks, each with where it is from.

Where the race of the join has been run, what an event costs is its figure; else that of growth. Nothing is measured
here, and nothing is guessed: where a result is missing, the sum cannot be done, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"
OURS = "ours"
REFERENCE_OPEN = 10_000_000
"""The table whose figures count, where such a run is there; else the largest one."""
RECOVERIES = 3
HALF = 0.5
"""The load whose latency is shown."""

Row = Mapping[str, Any]


class Missing(Exception):
    """A result that the arithmetic needs is not there yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Measured figures. *growth* is the latest run of each size, the smallest first; *reference* one of these.

    *cpu_us* is what one send or event costs with all that follows from it, and *cpu_from* says who measured that.
    """

    growth: Sequence[Row]
    reference: Row
    balance: Row
    cpu_us: float
    cpu_from: str
    records_per_s: float
    recovery_from: str
    latency: str


def read(results: Path = RESULTS) -> Inputs:
    """Return the latest figures.

    Raises:
        Missing: a benchmark has not been run.
    """
    growth = latest_by_size(row for row in _rows(results, "growth") if {"backlog", "steady"} <= row.keys())
    balance = _rows(results, "balance")
    if not growth or not balance:
        raise Missing('run make bench ARGS="balance" and ARGS="growth" first')
    at_size = [row for row in growth if row["open"] == REFERENCE_OPEN]
    reference = (at_size or growth)[-1]
    cpu_us, cpu_from = _cost(_rows(results, "join"), reference)
    records, recovery_from = _recovery(_rows(results, "recovery"), reference)
    return Inputs(
        growth=growth,
        reference=reference,
        balance=balance[-1],
        cpu_us=cpu_us,
        cpu_from=cpu_from,
        records_per_s=records,
        recovery_from=recovery_from,
        latency=_latency(_rows(results, "latency")),
    )


def latest_by_size(rows: Iterable[Row]) -> list[Row]:
    """Return the latest run of each size, the smallest size first."""
    latest = {row["open"]: row for row in rows}
    return [latest[size] for size in sorted(latest)]


def _cost(join: Sequence[Row], reference: Row) -> tuple[float, str]:
    """Return the processor time of an event, us: the median of the latest race, or growth's."""
    right = [row for row in join if row.get("contestant") == OURS and not row["wrong"]]
    if right:
        race = max(str(row["race"]) for row in right)
        runs = [row for row in right if row["race"] == race]
        cost = median(row["cpu_s"] / row["events"] for row in runs) * 1e6
        return cost, f"`join`, median of {len(runs)}, {_source(runs[-1])}"
    return reference["backlog"]["cpu_us_an_event"], f"`growth` at full speed, {_source(reference)}"


def _recovery(recovery: Sequence[Row], reference: Row) -> tuple[float, str]:
    """Return how many records a second a worker reads back: of the reference, where it is large enough to tell."""
    if reference["open"] >= REFERENCE_OPEN or not recovery:
        return reference["recovery"]["records_per_s"], f"`growth`, {_source(reference)}"
    runs = recovery[-RECOVERIES:]
    return median(row["empty_disk"]["records_per_s"] for row in runs), (
        f"`recovery`, median of {len(runs)}, {_source(runs[-1])}"
    )


def _latency(rows: Sequence[Row]) -> str:
    """Say how long an event takes to its outcome at half load, as the latest run has it."""
    half = [row for row in rows if row.get("load") == HALF]
    if not half:
        return "From event to outcome: not measured yet."
    last = half[-1]
    return (
        f"From event to outcome at half load ({last['events_per_s']:,.0f} events a second): {last['p50_ms']:,} ms for "
        f"half of the events, at most {last['p99_ms']:,} ms for 99 of a hundred (`latency`, {_source(last)})."
    )


def _source(row: Row) -> str:
    return f"{row['at'][:10]}, {row['commit']}"


def _rows(results: Path, name: str) -> list[Row]:
    path = results / f"{name}.ndjson"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line] if path.exists() else []

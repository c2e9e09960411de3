"""The results, one JSON line a run of a fault test, under var/, and the table that is made of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "var" / "faults" / "results.ndjson"
PAGE = ROOT / "docs" / "faults.md"
LATEST = 3
"""Runs of one fault that the table adds up: the latest."""
COUNTS = ("sent", "seen", "lost", "duplicated", "wrong", "late")
HEAD = ("fault", "broker", "seeds", *COUNTS, "verdict", "seconds")
BEGIN, END = "<!-- results: begin (python -m tests.faults table) -->", "<!-- results: end -->"

Row = dict[str, Any]


def write_result(said: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Append one run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(json.dumps({"at": at, "kind": _kind(), "commit": _commit(), **said}) + "\n")


def _kind() -> str:
    """Return the name of the test's file, which stands for a kind of fault; nothing outside of a test."""
    return Path(os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]).stem


@cache
def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip()


def read_results(path: Path = RESULTS) -> list[Row]:
    """Return all runs, oldest first."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def rows_of(results: Iterable[Row], *, twin: bool) -> list[list[str]]:
    """Return the table's rows: the latest runs of each fault and broker, added up; of twins, or of our own worker."""
    by_fault: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in results:
        if bool(row.get("twin")) is twin:
            by_fault[row["fault"], row["broker"]].append(row)
    return [_row(fault, broker, runs[-LATEST:]) for (fault, broker), runs in sorted(by_fault.items())]


def _row(fault: str, broker: str, runs: list[Row]) -> list[str]:
    counts = [f"{sum(run[word] for run in runs):,}" for word in COUNTS]
    broken = sorted({name for run in runs for name, state in run["invariants"].items() if state == "broken"})
    verdict = "held" if all(run["clean"] for run in runs) else f"broken: {', '.join(broken) or 'see its log'}"
    seeds = ", ".join(str(run["seed"]) for run in runs)
    return [fault, broker, seeds, *counts, verdict, f"{median(run['seconds'] for run in runs):.0f}"]


def markdown(rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [HEAD, ["---"] * 3 + ["---:"] * len(COUNTS) + ["---", "---:"], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def for_terminal(rows: list[list[str]]) -> str:
    """Return the same table in columns."""
    lines = [list(HEAD), *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines)


def write_page(results: list[Row], page: Path = PAGE) -> None:
    """Write both tables into the page, between its markers."""
    text = page.read_text("utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    twins = rows_of(results, twin=True)
    stock = f"\n\nThe same for a twin on stock Faust, which is to lose:\n\n{markdown(twins)}" if twins else ""
    page.write_text(f"{head}{BEGIN}\n\n{markdown(rows_of(results, twin=False))}{stock}\n\n{END}{tail}", "utf-8")

"""The race of the join: ses-streams and what a user would pick instead, in turn, on the same topics of Apache Kafka.

Each round runs every contestant once. Processor time, memory and the broker's share are the kernel's, from a
contestant's first record to its last commit; what it wrote is then read whole and held against what is due. A run
whose outcomes are wrong is shown as wrong, and counts in no figure.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.join.due import came
from benchmarks.join.field import Course, Field, Run
from benchmarks.join.figures import figures, last_race, split, table
from benchmarks.join.plot import draw
from benchmarks.join.ran import Failed
from benchmarks.join.roster import ENTRIES, Entry
from benchmarks.machine import described
from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not
from tests.kafka.node import Jvm

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "join.ndjson"
PICTURE = ROOT / "docs" / "images" / "join.svg"
FLEET = {"group.initial.rebalance.delay.ms": "3000"}
"""Kafka's own default: workers that start at once are waited for, and none begins before the others are there."""


def main(words: list[str]) -> int:
    """Run it, print the table, draw the picture, and add each run to the history."""
    said = _parsed(words)
    if said.plot:
        return _shown(_history())
    if missing := why_not():
        print(f"no Apache Kafka, and no peer runs without it: {missing}", file=sys.stderr)
        return 3
    entries = {name: ENTRIES[name] for name in said.only if _can(name, ENTRIES[name])}
    lines = []
    for line in _race(entries, said):
        lines.append(line)
        _keep(line)
    if said.profile:
        print("\n".join(split(line) for line in lines if line.get("steps")))
    return _shown(lines)


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS='join", description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000, help="sends that the fast ones read")
    parser.add_argument("--small", type=int, default=50_000, help="sends that the slow ones read")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=_names, default=list(ENTRIES), help=f"of {','.join(ENTRIES)}")
    parser.add_argument("--profile", action="store_true", help="also where ours says that its time went")
    parser.add_argument("--plot", action="store_true", help="run nothing: draw the last race of the history again")
    return parser.parse_args(words)


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(ENTRIES):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return names


def _can(name: str, entry: Entry) -> bool:
    """Tell whether a contestant can run here, and say so where it cannot."""
    missing = entry.contestant.why_not()
    if missing:
        print(f"{name} does not run: {missing}", file=sys.stderr)
    return not missing


def _race(entries: Mapping[str, Entry], said: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Set up the field, and yield a line for each run."""
    compiled = find_spec("ses_streams_kernel") is not None  # else ours and ours-pure are one and the same
    head = {"race": _now(), **described(), "benchmark": "join", "compiled": compiled}
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home,
        Cluster(Path(home) / "kafka", config=FLEET, jvm=Jvm(heap_mb=1024, quick=False)) as kafka,
    ):
        runs = Path(home) / "runs"
        runs.mkdir()
        field = Field(kafka.brokers, kafka.nodes[0].pid or 0, runs)
        sizes = {"large": said.messages, "small": said.small}
        wanted = {_size(entry) for entry in entries.values()}
        courses = {size: _loaded(field, size, count) for size, count in sizes.items() if size in wanted}
        for number in range(1, said.rounds + 1):
            for name, entry in entries.items():
                run = field.prepare(courses[_size(entry)], name)
                print(f"round {number}, {name}: ", end="", file=sys.stderr, flush=True)
                line = {"at": _now(), **head, "round": number, "contestant": name, "title": entry.title}
                line |= _measured(entry, run)
                print(_said(line), file=sys.stderr)
                yield line


def _size(entry: Entry) -> str:
    return "small" if entry.slow else "large"


def _loaded(field: Field, size: str, messages: int) -> Course:
    print(f"writing the {size} workload, {messages:,} sends", file=sys.stderr)
    return field.load(f"{size}.", messages)


def _measured(entry: Entry, run: Run) -> dict[str, Any]:
    """Run one contestant, judge what it wrote, and return what a line says of it."""
    course = run.course
    size = {"messages": course.workload.messages, "events": course.workload.events}
    try:
        ran = entry.contestant.run(run)
    except Failed as failed:
        return {**size, "wrong": [str(failed)]}
    if not entry.writes:
        return {**size, **asdict(ran), "wrong": []}
    found = came(run.brokers, course.topic("outcomes"), course.topic("suppressions"))
    return {
        **size,
        **asdict(ran),
        "outcomes": found.outcomes,
        "matched": found.matched,
        "suppressions": found.suppressions,
        "suppressed": len(found.suppressed),
        "wrong": found.wrongs(course.due),
    }


def _said(line: Mapping[str, Any]) -> str:
    if line["wrong"]:
        return "WRONG: " + "; ".join(line["wrong"])
    rate, used = line["events"] / line["seconds"], 1e6 * line["cpu_s"] / line["events"]
    unmatched = line["outcomes"] - line["matched"] if "matched" in line else 0
    return f"{rate:,.0f} events/s, {used:.1f} us each" + (f", {unmatched} without their send" if unmatched else "")


def _shown(lines: Sequence[Mapping[str, Any]]) -> int:
    """Print the table, and draw the picture; return the exit code."""
    rows = figures(lines)
    wrong = [line for line in lines if line["wrong"]]
    if rows:
        print(table(rows))
        first = lines[0]
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(
            draw(rows, f"{first['cpu']}, {first['cores']} cores, {first['race'][:10]}, {first['commit']}")
        )
    for line in wrong:
        print(f"WRONG: {line['contestant']}, round {line['round']}: {'; '.join(line['wrong'])}")
    return 1 if wrong or not rows else 0


def _history() -> list[dict[str, Any]]:
    """Return the runs of the last race that was kept."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    return [dict(line) for line in last_race([json.loads(line) for line in text.splitlines()])]


def _keep(line: Mapping[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as history:
        history.write(json.dumps(line) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

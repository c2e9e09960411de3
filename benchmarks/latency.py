"""How long it takes from an event to its outcome, while a worker has little to do and while it has much.

Apache Kafka on loopback, four partitions, the product's worker (observing: both hops run), a generator and a reader
of outcomes, each a process of its own. What one worker takes is found first, with all of them running: the generator
plays as fast as outcomes come (`--capacity` gives it instead). Then the same workload is played as a trickle, and at a
steady rate, at shares of that. A time is from when an event was due to be produced (not from when it was: a stall
spares nothing) to when the reader has the outcome. The reader knows which event it was by the time in it, which five
milliseconds' worth of events share; of each such moment as many outcomes must come as are due, no more and no fewer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import latency_load, latency_reader
from benchmarks.join.workload import PARTITIONS
from benchmarks.latency_load import Chase, Play, Played, Prepare
from benchmarks.latency_plot import draw
from benchmarks.latency_reader import Answered
from benchmarks.machine import described
from benchmarks.measure import cpu_of, family
from streams.demo.gauges import Page
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.settings import Security
from streams.topics import plan
from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not
from tests.kafka.node import Jvm

PREFIX, GROUP = "ses.", "ses-streams-bench"
RESULTS = Path(__file__).parent / "results" / "latency.ndjson"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "latency.svg"
LOADS = (25, 50, 80)
"""Per cent of the capacity."""
CHASED = 1_000_000
"""Records by which the capacity is found."""
WINDOW = 40_000
"""Outcomes due while it is: two seconds' worth, for chunks of any size."""
WARM_S = 5
"""Played first and counted, but not timed."""
CURVE = (50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100)
PATIENCE_S = 120.0
SILENCE_S = 15.0
"""Where no outcome comes for so long, no more will."""


def main(words: list[str]) -> int:
    """Run it, print the figures, add them to the history; return 1 where an event has no outcome."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='latency", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of each load")
    parser.add_argument("--capacity", type=float, help="events a second that one worker takes; without it, it is found")
    parser.add_argument("--loads", type=float, nargs="*", default=LOADS, help="per cent of the capacity")
    parser.add_argument("--idle", type=float, default=10, help="events a second of the trickle; 0 leaves it out")
    said = parser.parse_args(words)
    if missing := why_not():
        print(f"no Apache Kafka: {missing}", file=sys.stderr)
        return 3
    facts, runs = described(), []
    for run in _runs(said.seconds, said.capacity, said.idle, said.loads):
        line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **facts, **run}
        print(json.dumps(line), flush=True)
        with RESULTS.open("a", encoding="utf-8") as history:
            history.write(json.dumps(line) + "\n")
        runs.append(line)
    print(_table(runs), file=sys.stderr)
    PICTURE.write_text(draw(runs), encoding="utf-8")
    return int(any(run["lost"] for run in runs))


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs: the worker, the broker's process, and the two ends of the load."""

    worker: Worker
    broker: int
    load: Connection
    reader: Connection
    got: Any

    def play(self, how: Play | Chase, events: int) -> tuple[Played, Answered, dict[str, Any]]:
        """Play so many events, and wait for what comes of them; return both, and what it took."""
        self.load.send(Prepare(events))
        _heard(self.load)
        had, before, began = self.got.value, self._used(), time.monotonic()
        self.load.send(how)
        played: Played = _heard(self.load)
        due = had + played.outcomes.total()
        self._wait(due)
        took, after = time.monotonic() - began, self._used()
        self.reader.send("answered")
        answered: Answered = _heard(self.reader)
        cost: dict[str, Any] = {
            "took_s": round(took, 1),
            "worker_cores": round((after[0] - before[0]) / took, 2),
            "broker_cores": round((after[1] - before[1]) / took, 2),
            "others_cores": round((after[2] - before[2]) / took, 2),
            "records_a_chunk": round(_records_a_chunk(before[3], after[3]), 1),
        }
        return played, answered, cost

    def _wait(self, due: int) -> None:
        """Wait until all outcomes have come that are due, or no more do."""
        seen, since = -1, time.monotonic()
        while self.got.value < due:
            self.worker.check()
            if self.got.value != seen:
                seen, since = self.got.value, time.monotonic()
            elif time.monotonic() - since > SILENCE_S:
                return
            time.sleep(0.01)

    def _used(self) -> tuple[float, float, float, Page]:
        """Return seconds of processor time: the worker's, the broker's, of all that is not ours; and a page."""
        page = self.worker.page()
        if page is None or self.worker.pid is None:
            raise RuntimeError("the worker does not say what it did")
        others = _busy() - cpu_of(family(os.getpid()))
        return cpu_of((self.worker.pid,)), cpu_of((self.broker,)), others, page


def _runs(seconds: int, capacity: float | None, idle: float, loads: Sequence[float]) -> Iterator[dict[str, Any]]:
    with _stage() as stage:
        stage.play(Chase(WINDOW), latency_load.RAMP)
        found: dict[str, Any] = {"capacity_found": "given"}
        if capacity is None:
            capacity, found = _capacity(stage)
        trickle = [(None, idle)] if idle else []
        for share, rate in [*trickle, *((load / 100, load / 100 * capacity) for load in loads)]:
            print(f"playing {rate:,.0f} events a second", file=sys.stderr)
            yield {
                "benchmark": "latency",
                "load": share,
                "events_per_s": round(rate, 1),
                "capacity_per_s": round(capacity),
                **found,
                "seconds": seconds,
                **_timed(stage, rate, seconds),
            }


def _capacity(stage: Stage) -> tuple[float, dict[str, Any]]:
    """Find what one worker takes while generator, broker and reader run beside it."""
    played, answered, cost = stage.play(Chase(WINDOW), CHASED)
    capacity = played.events / cost["took_s"]
    print(f"capacity: {capacity:,.0f} events a second; {json.dumps(cost)}", file=sys.stderr)
    if missing(played.outcomes, answered.outcomes):
        raise RuntimeError("outcomes are missing already")
    return capacity, {
        "capacity_found": f"live: as fast as answered, never more than {WINDOW} outcomes due, {CHASED} events",
        "capacity_worker_cores": cost["worker_cores"],
        "capacity_broker_cores": cost["broker_cores"],
    }


def _timed(stage: Stage, rate: float, seconds: int) -> dict[str, Any]:
    played, answered, cost = stage.play(Play(rate), int(rate * (WARM_S + seconds)))
    first = min(played.outcomes) + WARM_S * 1000
    times = answered.since(first)
    curve = percentiles(times, CURVE)
    return {
        "events": played.events,
        "outcomes": times.total(),
        "lost": missing(played.outcomes, answered.outcomes),
        "repeated": missing(answered.outcomes, played.outcomes),
        "p50_ms": curve[50],
        "p99_ms": curve.get(99),
        "p99_9_ms": curve.get(99.9),
        "max_ms": curve[100],
        "curve": list(curve.items()),
        **cost,
        "generator_late_p99_ms": percentiles(Counter(played.late_ms), (99,)).get(99),
    }


def percentiles(times: Mapping[float, int], wanted: Sequence[float]) -> dict[float, float]:
    """Return, for each percentage that is wanted, the least time that so many of *times* are not above (nearest rank).

    *times* says how many took how long; what needs more of them than there are is left out.
    """
    total, so_far = sum(times.values()), 0
    found, left = {}, sorted(percent for percent in wanted if percent == 100 or round((100 - percent) * total) >= 100)  # noqa: PLR2004 - per cent
    for took in sorted(times):
        so_far += times[took]
        while left and so_far * 100 >= left[0] * total:
            found[left.pop(0)] = round(took, 1)
    return found


def missing(due: Mapping[int, int], had: Mapping[int, int]) -> int:
    """Return how many of *due* are not in *had*, each moment by itself: one too many makes up for none elsewhere."""
    return sum(max(count - had.get(at, 0), 0) for at, count in due.items())


def _records_a_chunk(before: Page, after: Page) -> float:
    """Return how many records hop 1 had in a chunk, between two pages."""
    records = sum(
        after.total("ses_records_total", topic=topic) - before.total("ses_records_total", topic=topic)
        for topic in ("sends", "feedback")
    )
    name = "ses_chunk_seconds_count"
    chunks = after.total(name, hop="by_message") - before.total(name, hop="by_message")
    return records / chunks if chunks else 0.0


def _busy() -> float:
    """Return the processor time that the whole machine has used so far, seconds: all but idle and waiting for disks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def _heard(end: Connection) -> Any:
    if not end.poll(PATIENCE_S * 10):
        raise TimeoutError("the load or its reader does not answer")
    return end.recv()


@contextmanager
def _stage() -> Iterator[Stage]:
    """Set up the broker, its topics, the worker, and the two ends of the load."""
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home,
        Cluster(Path(home) / "kafka", jvm=Jvm(heap_mb=1024, quick=False)) as kafka,
    ):
        ensure_topics(kafka.brokers, Security(), plan(prefix=PREFIX, partitions=PARTITIONS, replication=1, group=GROUP))
        worker = Worker(_variables(kafka.brokers), Path(home))
        names = {role: PREFIX + role for role in ("sends", "feedback")}
        spawn = multiprocessing.get_context("spawn")
        got = spawn.RawValue("q", 0)
        with (
            _child(spawn, latency_load.serve, kafka.brokers, names, got) as load,
            _child(spawn, latency_reader.serve, kafka.brokers, PREFIX + "outcomes", PARTITIONS, got) as reader,
        ):
            worker.start()
            try:
                _wait_until_ready(worker)
                yield Stage(worker, kafka.nodes[0].pid or 0, load, reader, got)
            finally:
                worker.stop()


@contextmanager
def _child(spawn: Any, what: Any, *words: Any) -> Iterator[Connection]:
    """Run *what* in a process of its own; it ends when told None, and is killed where it does not."""
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=what, args=(theirs, *words), daemon=True)
    process.start()
    try:
        yield ours
        ours.send(None)
        process.join(SILENCE_S)
    finally:
        process.kill()
        process.join()


def _wait_until_ready(worker: Worker) -> None:
    until = time.monotonic() + PATIENCE_S
    while not worker.ready():
        worker.check()
        if time.monotonic() > until:
            raise TimeoutError(f"the worker is not ready:\n{worker.last_words()}")
        time.sleep(0.05)


def _variables(brokers: str) -> dict[str, str]:
    said = {
        "BROKERS": brokers,
        "GROUP": GROUP,
        "PARTITIONS": PARTITIONS,
        "REPLICATION": 1,
        "DISPATCH__ENABLED": "false",
    }
    return {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}


def _table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the runs as a table for people."""
    names = ("load", "events/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "lost", "cores", "others", "a chunk")
    fields = ("p50_ms", "p99_ms", "p99_9_ms", "max_ms", "lost", "worker_cores", "others_cores", "records_a_chunk")
    rows = [
        (
            "idle" if run["load"] is None else f"{run['load']:.0%}",
            f"{run['events_per_s']:,.0f}",
            *("-" if run[field] is None else str(run[field]) for field in fields),
        )
        for run in runs
    ]
    return "\n".join("".join(f"{cell:>10}" for cell in row) for row in (names, *rows))

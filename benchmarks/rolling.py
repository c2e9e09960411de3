"""What a rolling restart costs those who wait for outcomes: how far behind the furthest partition is meanwhile.

Apache Kafka on loopback, three workers in one group at a steady rate, each with a name and a disk of its own, restarted
as Kubernetes does it to a StatefulSet: the highest number first, SIGTERM and its grace time, again under its name and
on its disk, and the next one once it has been ready for the chart's minReadySeconds. Twice a second brokers are asked
for ends and commits; what a partition is behind is told in seconds of what comes to it. Commits lag by themselves, so
the same is looked at before, without a restart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from benchmarks.filling import fill
from benchmarks.growth_feed import EVENTS_A_MAIL, Feed
from benchmarks.growth_traffic import Traffic
from benchmarks.machine import described
from benchmarks.workers import GROUP, PREFIX, until_ready, variables
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.schemas.codec import load_codec
from streams.settings import Security
from streams.topics import ROLES, changelog_name, plan, topic_name
from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not
from tests.kafka.node import Jvm

RESULTS = Path(__file__).parent / "results" / "rolling.ndjson"
WORKERS, PARTITIONS = 3, 12
OPEN = 100_000
"""Sends in the table at the start: half of the events are about these, at random."""
EVENTS_OF = {"sends": 1.0, "feedback": EVENTS_A_MAIL - 1.0}
"""A mail, by topic."""
LOOK_S, PATIENCE_S = 0.5, 10.0
MOST_S = 10.0
"""What a restart may add, at most."""


class Behind(threading.Thread):
    """Looks how far the furthest partition is behind, seconds; *looks* has (when, how far)."""

    def __init__(self, brokers: str, mails_a_second: float) -> None:
        """Connect."""
        super().__init__(name="behind", daemon=True)
        words = {"bootstrap.servers": brokers, "log_level": 0, "group.id": GROUP, "enable.auto.commit": False}
        self._consumer = Consumer(words)
        self._a_second = {
            topic_name(PREFIX, role): mails_a_second * events / PARTITIONS for role, events in EVENTS_OF.items()
        }
        self._over = threading.Event()
        self.looks: list[tuple[float, float]] = []

    def run(self) -> None:
        """Look until it is over."""
        places = [TopicPartition(topic, part) for topic in self._a_second for part in range(PARTITIONS)]
        while not self._over.wait(LOOK_S):
            committed = self._consumer.committed(places, timeout=PATIENCE_S)
            behind = [self._records(place) / self._a_second[place.topic] for place in committed]
            self.looks.append((time.monotonic(), max(behind)))

    def _records(self, committed: TopicPartition) -> int:
        first, end = self._consumer.get_watermark_offsets(committed, timeout=PATIENCE_S)
        return int(end - (committed.offset if committed.offset >= 0 else first))

    def most(self, since: float) -> float:
        """Return how far behind the furthest was at most since then."""
        return max((behind for at, behind in self.looks if at >= since), default=0.0)

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()
        self._consumer.close()


def main(words: list[str]) -> int:
    """Run it, print the figures, and add them to the history; 1 where a restart added too much."""
    said = _parser().parse_args(words)
    if missing := why_not():
        print(f"no Apache Kafka: {missing}", file=sys.stderr)
        return 3
    figures = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **_measured(said)}
    line = json.dumps(figures)
    print(line)
    said.results.parent.mkdir(exist_ok=True)
    with said.results.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return int(figures["added_s"] > MOST_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS='rolling", description=__doc__)
    parser.add_argument("--rate", type=float, default=4_000, help="events a second")
    parser.add_argument("--warm", type=float, default=30, help="seconds at that rate before the first restart")
    parser.add_argument("--min-ready", type=float, default=10, help="seconds a worker is ready before the next stops")
    parser.add_argument("--rounds", type=int, default=2, help="times that all are restarted")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to add the figures to")
    return parser


def _measured(said: Namespace) -> dict[str, Any]:
    """Set up the stage, restart all, and return what it took."""
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as place,
        Cluster(Path(place) / "kafka", jvm=Jvm(heap_mb=1024, quick=False)) as kafka,
    ):
        ensure_topics(kafka.brokers, Security(), plan(prefix=PREFIX, partitions=PARTITIONS, replication=1, group=GROUP))
        names = {role: topic_name(PREFIX, role) for role in ROLES}
        traffic = Traffic(load_codec(), OPEN, int(time.time() * 1000))
        fill(kafka.brokers, changelog_name(GROUP, "lives"), traffic.lives(), OPEN, PARTITIONS)
        feed = Feed(kafka.brokers, names, PARTITIONS, traffic)
        workers = [_worker(kafka.brokers, Path(place), number) for number in range(WORKERS)]
        behind = Behind(kafka.brokers, said.rate / EVENTS_A_MAIL)
        try:
            for worker in workers:
                until_ready(worker)
            with feed.at_rate(said.rate):
                behind.start()
                return _rolled(workers, behind, said)
        finally:
            behind.stop()
            for worker in workers:
                worker.stop()


def _worker(brokers: str, place: Path, number: int) -> Worker:
    home = place / f"worker-{number}"
    home.mkdir()
    return Worker(variables(brokers, PARTITIONS, f"worker-{number}"), home)


def _rolled(workers: list[Worker], behind: Behind, said: Namespace) -> dict[str, Any]:
    time.sleep(said.warm)
    usual = behind.most(time.monotonic() - said.warm / 2)
    restarts = []
    for turn in range(said.rounds):
        for worker in reversed(workers):
            print(f"round {turn + 1}: a worker is restarted", file=sys.stderr)
            began = time.monotonic()
            code = worker.stop()
            stopped = time.monotonic() - began
            ready = until_ready(worker)
            time.sleep(said.min_ready)
            restarts.append((code, stopped, ready, behind.most(began)))
    codes, stops, readies, mosts = zip(*restarts, strict=True)
    return {
        "benchmark": "rolling",
        "workers": WORKERS,
        "partitions": PARTITIONS,
        "rate": said.rate,
        "restarts": len(restarts),
        "codes": sorted(set(codes)),
        "stop_s": {"median": round(statistics.median(stops), 2), "most": round(max(stops), 2)},
        "ready_s": {"median": round(statistics.median(readies), 2), "most": round(max(readies), 2)},
        "behind_s": {
            "before": round(usual, 2),
            "median": round(statistics.median(mosts), 2),
            "most": round(max(mosts), 2),
        },
        "added_s": round(max(mosts) - usual, 2),
    }

"""How a worker fares whose table of lives already holds millions of open sends: speed, memory, disk, and moving house.

Apache Kafka on loopback, a changelog that holds `--open` sends of which nothing is heard yet, and the product's
worker, observing. It starts with an empty disk (the recovery, then the time until timers are set and it is quiet);
works off a backlog of the race's mails, half of whose events are about old sends, at random, so RocksDB must find
them; goes on at a steady rate, a quarter of `--minutes` to warm up and then `--minutes` with its memory looked at
each second; then, still at that rate, a second worker joins and leaves. Records are those of the race's workload, about
0.3 KB, and no two are alike where ids and people stand, so what disk they take is honest. Processor time is the
worker's, from the kernel.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.filling import fill
from benchmarks.growth_feed import Feed
from benchmarks.growth_moves import moves
from benchmarks.growth_table import table
from benchmarks.growth_topics import Topics
from benchmarks.growth_traffic import Traffic
from benchmarks.growth_watch import disk_mb, series_of, until, until_quiet, waiting, watch
from benchmarks.machine import described
from benchmarks.segments import packed
from benchmarks.workers import GROUP, PREFIX, come_up_to_date, cpu_s, memory_mb, peak_mb, until_ready, variables
from streams.demo.gauges import Page
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.schemas.codec import load_codec
from streams.settings import Security
from streams.topics import TABLES, changelog_name, plan, topic_name
from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not
from tests.kafka.node import Jvm

RESULTS = Path(__file__).parent / "results" / "growth.ndjson"
ROLES = ("sends", "feedback", "outcomes", "suppressions", "retries", "waiting", "settlements")
PATIENCE_S = 3600.0
"""Fifty million records take minutes to be read and to be given timers."""


def main(words: list[str]) -> int:
    """Run it, print the figures, and add them to the history."""
    said = _parser().parse_args(words)
    if missing := why_not():
        print(f"no Apache Kafka: {missing}", file=sys.stderr)
        return 3
    figures = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **_measured(said)}
    print(table(figures))
    line = json.dumps(figures)
    print(line)
    said.results.parent.mkdir(exist_ok=True)
    with said.results.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS='growth", description=__doc__)
    parser.add_argument("--open", type=int, default=1_000_000, help="sends in the table of which nothing is heard yet")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--backlog", type=int, default=500_000, help="mails to be worked off at full speed; 0: none")
    parser.add_argument("--minutes", type=float, default=10, help="of steady work; 0: none")
    parser.add_argument("--rate", type=float, default=4_000, help="events a second then")
    parser.add_argument("--skip-rebalance", action="store_true", help="no second worker")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to add the figures to")
    return parser


def _measured(said: Namespace) -> dict[str, Any]:
    """Set up the stage, and take one measurement after the other."""
    figures: dict[str, Any] = {"benchmark": "growth", "open": said.open, "partitions": said.partitions}
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as place,
        Cluster(Path(place) / "kafka", jvm=Jvm(heap_mb=1024, quick=False)) as kafka,
    ):
        home = Path(place)
        whole = plan(prefix=PREFIX, partitions=said.partitions, replication=1, group=GROUP)
        ensure_topics(kafka.brokers, Security(), whole)
        traffic = Traffic(load_codec(), said.open, int(time.time() * 1000))
        lives = changelog_name(GROUP, "lives")
        figures["bytes_a_life"] = round(fill(kafka.brokers, lives, traffic.lives(), said.open, said.partitions), 1)
        whole_log = packed(kafka.nodes[0].data, lives, dict.fromkeys(range(said.partitions), 0))
        figures["log_mb"] = round(whole_log.size / 1e6, 1)
        names = {role: topic_name(PREFIX, role) for role in ROLES}
        feed = Feed(kafka.brokers, names, said.partitions, traffic)
        names |= {f"{table}_changelog": changelog_name(GROUP, table) for table in TABLES}
        topics = Topics(kafka.brokers, kafka.nodes[0].data, names, said.partitions)
        worker = Worker(variables(kafka.brokers, said.partitions), home)
        try:
            figures["recovery"] = _recovered(worker, said.open, home)
            if said.backlog:
                figures["backlog"] = _worked_off(worker, feed, topics, said.backlog)
            _running(worker)
            if said.minutes:
                figures["steady"] = _steady(worker, feed, topics, said, home)
            if not said.skip_rebalance:
                with feed.at_rate(said.rate):
                    figures["rebalance"] = moves(worker, kafka.brokers, said.partitions, home, said.rate)
        finally:
            topics.close()
            worker.stop()
    return figures


def _recovered(worker: Worker, opened: int, home: Path) -> dict[str, Any]:
    """Rebuild the state from its changelog; return what that took, and what it takes until all timers are set."""
    _say("a worker with an empty disk")
    figures = come_up_to_date(worker, opened, PATIENCE_S)
    seconds, cpu = until_quiet(worker, PATIENCE_S)
    figures |= {"quiet_after_s": round(seconds, 1), "quiet_cpu_s": round(cpu, 1)}
    figures |= {"peak_mb": peak_mb(worker), "memory_mb": memory_mb(worker)}
    worker.stop()
    return figures | {"disk_mb": disk_mb(home / "data")}


def _worked_off(worker: Worker, feed: Feed, topics: Topics, mails: int) -> dict[str, Any]:
    """Let the worker find a backlog; return how fast it works that off, all that follows from it included."""
    _say(f"a backlog of {mails:,} mails")
    before = topics.ends()
    events = feed.publish(mails)
    until_ready(worker, PATIENCE_S)
    first, done, cpu_before = Page(), Page(), cpu_s(worker)
    while _joined(done) < events or waiting([done]):
        worker.check()
        used, page = cpu_s(worker), worker.page()
        if page is not None:
            done = page
            if not _joined(page):
                first, cpu_before = page, used
        time.sleep(0.05)
    worked = done.by("ses_chunk_timestamp_seconds", "edge")
    seconds = worked["last"] - worked["first"]
    joined = _joined(done) - _joined(first)
    return {
        "mails": mails,
        "events": events,
        "seconds": round(seconds, 2),
        "events_per_s": round(events / seconds),
        "cpu_us_an_event": round((cpu_s(worker) - cpu_before) / joined * 1e6, 2),
        "peak_mb": peak_mb(worker),
        "topics": topics.since(before, mails),
    }


def _steady(worker: Worker, feed: Feed, topics: Topics, said: Namespace, home: Path) -> dict[str, Any]:
    """Let the worker work at a rate; return what its memory does."""
    _say(f"{said.minutes:g} minutes at {said.rate:,.0f} events a second")
    before, mails, disk = topics.ends(), feed.mails, disk_mb(home / "data")
    began = time.monotonic()
    with feed.at_rate(said.rate):
        watched = watch(worker, said.minutes * 60)
        seconds = time.monotonic() - began
    until(lambda: waiting([worker.page()]) == 0, PATIENCE_S, "the worker keeps up")
    rate = (feed.mails - mails) / seconds * feed.events / feed.mails
    return {
        "rate": round(rate),
        **watched,
        "cpu_us_an_event": round(watched["cpu_share"] / rate * 1e6, 1),
        "disk_mb": {"before": disk, "after": disk_mb(home / "data")},
        "series": series_of(worker.page()),
        "topics": topics.since(before, feed.mails - mails),
    }


def _running(worker: Worker) -> None:
    """Have the worker run."""
    if worker.pid is None:
        until_ready(worker, PATIENCE_S)


def _joined(page: Page) -> float:
    records = page.by("ses_records_total", "topic")
    return records.get("sends", 0.0) + records.get("feedback", 0.0)


def _say(what: str) -> None:
    print(what, file=sys.stderr)

"""How many of SNS's notifications a second the intake takes, how soon it answers, and that none is lost.

Apache Kafka on loopback, the product's `intake` as a process, and a generator that posts signed notifications at a
steady rate, every hundredth of them twice. Each answer waits for Kafka (acks=all, idempotent). At the end the topic is
read: every event that was answered with 200 must be there. Times are from when a post was due to its answer; processor
time and memory are those of the intake's process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from benchmarks.machine import described
from benchmarks.notices import message_id, signed_posts
from benchmarks.posting import Posted, post_all
from streams.emit.admin import ensure_topics
from streams.settings import Security
from streams.topics import plan
from tests.inlets.launch import Intake
from tests.inlets.signing import Signer
from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not
from tests.kafka.node import Jvm

PREFIX, GROUP, PARTITIONS = "ses.", "ses-streams-bench", 4
RESULTS = Path(__file__).parent / "results" / "intake.ndjson"
TWICE = 100
"""Every so many posts come again."""
SAMPLE_S = 1.0


def main(words: list[str]) -> int:
    """Run it, print the figures, add them to the history; return 1 where an event is missing."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='intake", description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="posts a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--connections", type=int, default=64)
    said = parser.parse_args(words)
    if missing := why_not():
        print(f"no Apache Kafka: {missing}", file=sys.stderr)
        return 3
    figures = _measured(said.rate, said.seconds, said.connections)
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **figures})
    print(line)
    with RESULTS.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return int(figures["lost"] > 0)


def _measured(rate: int, seconds: int, connections: int) -> dict[str, Any]:
    signer, count = Signer(), rate * seconds
    print(f"signing {count} notifications", file=sys.stderr)
    posts = signed_posts(signer, "/sns", count, int(time.time() * 1000))
    order = sorted([*range(count), *range(0, count, TWICE)])  # what comes again is right behind what came first
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home,
        Cluster(Path(home) / "kafka", jvm=Jvm(heap_mb=1024, quick=False)) as kafka,
    ):
        ensure_topics(kafka.brokers, Security(), plan(prefix=PREFIX, partitions=PARTITIONS, replication=1, group=GROUP))
        with Intake(Path(home) / "intake", kafka.brokers, signer) as intake:
            asyncio.run(post_all(posts[:500], intake.sns_port, rate=500, connections=connections))  # warm
            before, memory = _cpu(intake.pid), _Memory(intake.pid)
            began = time.perf_counter()
            with memory:
                again = [posts[number] for number in order]
                found = asyncio.run(post_all(again, intake.sns_port, rate=rate, connections=connections))
            took, cpu = time.perf_counter() - began, _cpu(intake.pid) - before
        there = _in_topic(kafka.brokers)
    missed = {order[number] for number in found.unanswered}
    due = {message_id(number) for number in range(count) if number not in missed}
    return {
        "benchmark": "intake",
        "rate": rate,
        "seconds": seconds,
        "connections": connections,
        "bytes_a_post": round(sum(map(len, posts)) / count),
        **_answers(found, took),
        "lost": len(due - there.keys()),
        "repeated_in_topic": sum(there.values()) - len(there),
        "cpu_us_a_post": round(cpu / len(order) * 1e6, 1),
        "cpu_share": round(cpu / took, 3),
        "memory_mb": memory.said(),
    }


def _answers(found: Posted, took: float) -> dict[str, Any]:
    cuts = quantiles(found.took, n=1000)
    return {
        "posts": sum(found.answers.values()),
        "answers": {str(status): count for status, count in sorted(found.answers.items())},
        "posts_per_s": round(sum(found.answers.values()) / took),
        "p50_ms": round(cuts[499] * 1e3, 1),
        "p99_ms": round(cuts[989] * 1e3, 1),
        "p999_ms": round(cuts[998] * 1e3, 1),
    }


def _in_topic(brokers: str) -> Counter[str]:
    """Return the keys of all feedback, and how often each is there."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "bench", "enable.auto.commit": False})
    topic = f"{PREFIX}feedback"
    ends = {n: consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=30)[1] for n in range(PARTITIONS)}
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
    keys = Counter[str]()
    while sum(keys.values()) < sum(ends.values()):
        for record in consumer.consume(10_000, timeout=10):
            keys[(record.key() or b"").decode()] += 1
    consumer.close()
    return keys


class _Memory:
    """Samples a process's resident memory, MB, while in a ``with``."""

    def __init__(self, pid: int) -> None:
        self._pid, self._over = pid, threading.Event()
        self._samples: list[float] = []
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_S):
            status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
            self._samples.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024)

    def said(self) -> dict[str, float]:
        """Return the median of each third, and the most: a leak shows as a slope."""
        third = max(len(self._samples) // 3, 1)
        parts = [sorted(self._samples[n * third : (n + 1) * third])[third // 2] for n in range(3)]
        return {
            **{f"third_{n}": round(part, 1) for n, part in enumerate(parts, 1)},
            "most": round(max(self._samples), 1),
        }


def _cpu(pid: int) -> float:
    """Return the processor time of a process so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

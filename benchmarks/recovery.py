"""How fast a lost disk is rebuilt from its changelog, and how soon a worker is back that kept its disk.

Apache Kafka on loopback, a changelog as hop 1 writes it (a life of about 0.7 KB for each mail; with `--small`, the
standings of recipients, about 80 bytes), and the product's worker, which starts with an empty disk, is stopped, starts
again with its disk, is killed in the midst of a second rebuild, and goes on with that. Seconds are from the start of
the process to the moment when it says that it is ready; records a second are over the time of the recovery alone, as
its log has it. Peak memory is the kernel's (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.filling import fill
from benchmarks.machine import described
from benchmarks.workers import GROUP, PREFIX, come_up_to_date, variables
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.mail.life import Reached
from streams.mail.outcome import OutcomeKind
from streams.mail.standing import Standing
from streams.schemas.codec import load_codec
from streams.settings import Security
from streams.state.lives import first_heard, new_life
from streams.state.standings import pack_standing
from streams.topics import changelog_name, plan
from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not
from tests.kafka.node import Jvm

RESULTS = Path(__file__).parent / "results" / "recovery.ndjson"
DAY_MS = 86_400_000
KEPT_DAYS = 13
"""Over so many days the mails of a changelog were sent: a day short of when they are forgotten."""
BODIES = 997
"""Different sends; each stands in many lives, for to encode one costs more than all the rest."""


def main(words: list[str]) -> int:
    """Run it, print the figures, and add them to the history."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='recovery", description=__doc__)
    parser.add_argument("--keys", type=int, default=3_000_000)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--small", action="store_true", help="records of 80 bytes, not of 0.7 KB")
    said = parser.parse_args(words)
    if missing := why_not():
        print(f"no Apache Kafka: {missing}", file=sys.stderr)
        return 3
    figures = _measured(said.keys, said.partitions, small=said.small)
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **figures})
    print(line)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return 0


def _measured(keys: int, count: int, *, small: bool) -> dict[str, Any]:
    """Set up the stage, fill the changelog, and start workers on it."""
    with (
        tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home,
        Cluster(Path(home) / "kafka", jvm=Jvm(heap_mb=1024, quick=False)) as kafka,
    ):
        ensure_topics(kafka.brokers, Security(), plan(prefix=PREFIX, partitions=count, replication=1, group=GROUP))
        topic, rows = ("standings", _standings(keys)) if small else ("lives", _lives(keys))
        size = fill(kafka.brokers, changelog_name(GROUP, topic), rows, keys, count)
        worker = Worker(variables(kafka.brokers, count, instance="bench"), Path(home))
        try:
            empty = _started(worker, keys)
            kept = _started(worker, 0)
            shutil.rmtree(Path(home) / "data")
            left = _halfway(worker, keys / 2)
            resumed = _started(worker, left)
        finally:
            worker.stop()
    return {
        "benchmark": "recovery",
        "keys": keys,
        "partitions": count,
        "bytes_a_record": round(size),
        "empty_disk": empty,
        "kept_disk": kept,
        "killed_halfway": {"left": left, **resumed},
    }


def _lives(keys: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield lives, the oldest first: nine in ten are answered, the others are too young to be called silent."""
    codec, now = load_codec(), int(time.time() * 1000)
    sends = [codec.encode("mail.Send", _send(number, now)) for number in range(BODIES)]
    for number in range(keys):
        at = now - DAY_MS * KEPT_DAYS * (keys - number) // keys
        life = new_life(sends[number % BODIES], at)
        if number % 10 or number < keys - keys // KEPT_DAYS:
            reached = Reached(OutcomeKind.DELIVERED, at)
            life = first_heard(life, number.to_bytes(8, "big"), f"somebody+{number}@example.org", reached, at)
        yield (
            b"0100018c9f%08x-7d0c2c6e-5a0f-4b7e-9c3c-%012x-000000" % (number * 2_654_435_761 % (1 << 32), number),
            life,
        )


def _send(number: int, now: int) -> dict[str, Any]:
    """Return a mail.Send with what such a record carries in earnest."""
    return {
        "message_id": f"0100018c9f{number:08x}-7d0c2c6e-5a0f-4b7e-9c3c-{number:012x}-000000",
        "request_id": f"5f0d8a1e-9a54-4a57-8d7e-{number:012x}",
        "sent_at": now,
        "recipients": [f"somebody+{number}@example.org"],
        "stream": "receipts",
        "from_address": "receipts@shop.example.com",
        "tags": {
            "order": f"2026-{number:010d}",
            "template": "order-receipt-with-recommendations-v14",
            "tenant": "shop-europe-west",
            "campaign": "autumn-2026-returning-customers",
            "trace": f"00-{number:032x}-{number:016x}-01",
        },
        "configuration_set": "transactional-mail-with-events",
        "via": "API",
    }


def _standings(keys: int) -> Iterator[tuple[bytes, bytes]]:
    now = int(time.time() * 1000)
    for number in range(keys):
        at = now - DAY_MS * KEPT_DAYS * (keys - number) // keys
        yield b"somebody+%d@example.org" % number, pack_standing(Standing(at, at))


def _started(worker: Worker, records: int) -> dict[str, Any]:
    """Start the worker, wait until it is ready, and stop it; return what it took to come up to date."""
    try:
        return come_up_to_date(worker, records)
    finally:
        worker.stop()


def _halfway(worker: Worker, left: float) -> int:
    """Start the worker and kill it when *left* records are to be read; return how many there were."""
    worker.start()
    seen = 0.0
    while True:
        worker.check()
        page = worker.page()
        remaining = 0.0 if page is None else page.total("ses_recovery_remaining")
        if seen and remaining <= left:
            worker.kill()
            return int(remaining)
        seen = max(seen, remaining)
        time.sleep(0.05)

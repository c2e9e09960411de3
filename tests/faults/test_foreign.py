"""Fault 19: producers that are not ours: other partitioners, codecs, headers and keys; all they write is joined.

The broken twin (offhand.py) works on records where they lie: what two partitioners put apart, it does not join.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.engine.broker import EmbeddedBroker
from tests.faults import generator
from tests.faults.stage import Stage
from tests.faults.telling import offhand
from tests.faults.watch import QUICK, stays
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
RATE = 250
SHARE = 0.4
"""So much of the traffic is written by others."""
MANY = 50
OTHERS: tuple[dict[str, str], ...] = (
    {"partitioner": "consistent_random", "compression.type": "gzip"},  # librdkafka's own default partitioner
    {"partitioner": "random", "compression.type": "snappy"},
    {"partitioner": "fnv1a", "compression.type": "zstd"},
    {"partitioner": "murmur2_random", "compression.type": "none"},
)
HEADERS: list[tuple[str, str | bytes | None]] = [
    ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("odd", None),
    ("odd", b"\xff"),
]
KEYS: tuple[Callable[[bytes], bytes | None], ...] = (
    lambda key: b'"' + key + b'"',  # as JSON
    lambda key: b"<" + key + b"@email.amazonses.com>",
    lambda key: b"\0\0\0\0\x07" + bytes([2 * len(key) % 256]) + key,  # as Avro
    lambda _: None,
    lambda _: b"",
)


class Mixed:
    """Hands what is produced to one of several producers, some of it under other keys and with headers."""

    def __init__(self, words: dict[str, Any]) -> None:
        """Connect ours, and the others."""
        self._chance = Random("others")
        self._ours = Producer(words)
        self._others = [Producer(words | other) for other in OTHERS]

    def produce(self, topic: str, value: bytes | None, key: bytes | None, on_delivery: Any) -> None:
        """Publish a record; one without a value, or that is poison, keeps its key: it must be set aside with it."""
        if self._chance.random() > SHARE:
            self._ours.produce(topic, value=value, key=key, on_delivery=on_delivery)
            return
        said = key
        if key is not None and key.startswith(b"0100") and self._chance.random() < 0.5:
            said = self._chance.choice(KEYS)(key)
        other = self._chance.choice(self._others)
        other.produce(topic, value=value, key=said, headers=HEADERS, on_delivery=on_delivery)

    def poll(self, timeout: float) -> int:
        """Hear what was acknowledged."""
        return sum(other.poll(0) for other in self._others) + self._ours.poll(timeout)


@pytest.fixture(autouse=True)
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "Producer", Mixed)


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


@pytest.mark.kafka
def test_what_others_write_is_joined(stage: Stage) -> None:
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(mails=4_000, rate=RATE):
        pass
    assert sum((worker.page() or {}).get("ses_rekeyed_total", {}).values()) > 0
    stays(worker)
    stage.end("foreign partitioners, codecs, headers and keys")


def test_what_others_write_is_not_joined_where_it_lies(seed: int, tmp_path: Path) -> None:
    setting = replace(QUICK, kind="embedded", idempotent=False)
    with EmbeddedBroker(tmp_path / "broker.log") as broker, Stage(tmp_path / "stage", seed, broker, setting) as stage:
        offhand(stage, "rooted").wait_until_ready()
        with stage.traffic(mails=800, rate=RATE):
            pass
        stage.settle(20)
        verdict = stage.verdict()
    late = verdict.kinds["outcomes"].late
    assert late > MANY, f"FAULTS_SEED={seed}\n{verdict.words()}"

"""A broker for the engine's tests, and a bench: topics of its own, workers, and what came of it.

Every test that asks for `bench` runs on the embedded broker, and once more, marked `kafka`, on Apache Kafka.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is there, its stubs do not say so

from streams.engine.broker import EmbeddedBroker
from streams.engine.rocks import Tuning
from streams.engine.store import Store
from tests.kafka.cluster import Cluster

Broker = EmbeddedBroker | Cluster
PARTITIONS = 2
TOY = Path(__file__).with_name("toy.py")
PATIENCE_S = 40.0


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(tmp_path_factory.mktemp("broker") / "broker.log") as running:
        yield running


@pytest.fixture(scope="session", params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Return the embedded broker, and then Apache Kafka."""
    return cast("Broker", request.getfixturevalue(request.param))


class Bench:
    """One group, its topics a, b and out, its changelog and its state; and the workers on them."""

    def __init__(self, broker: Broker, directory: Path) -> None:
        self.broker = broker
        self.data_dir = directory / "state"
        self.logs = directory
        self.group = f"g{uuid.uuid4().hex[:8]}"
        self.topics = {role: f"{self.group}.{role}" for role in ("a", "b", "out")}
        self.changelog = f"{self.group}-sums-changelog"
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def idempotent(self) -> bool:
        """Return whether the broker gives out producer ids: the embedded one refuses aiokafka's way of asking."""
        return isinstance(self.broker, Cluster)

    def create_topics(self, *names: str, copies: int = 1) -> None:
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0})
        wanted = names or (*self.topics.values(), self.changelog)
        for made in admin.create_topics([NewTopic(name, PARTITIONS, copies) for name in wanted]).values():
            made.result()

    def delete_topics(self, *names: str) -> None:
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0})
        for done in admin.delete_topics(list(names)).values():
            done.result()
        until = time.monotonic() + PATIENCE_S
        while set(names) & set(admin.list_topics(timeout=PATIENCE_S).topics):  # a broker hears of it a moment later
            assert time.monotonic() < until, f"{names} do not go"
            time.sleep(0.05)

    def feed(self, role: str, records: Mapping[bytes, list[bytes]] | list[tuple[bytes, bytes]]) -> None:
        producer = Producer({"bootstrap.servers": self.broker.address, "partitioner": "murmur2_random"})
        pairs = records if isinstance(records, list) else [(k, v) for k, values in records.items() for v in values]
        for key, value in pairs:
            producer.produce(self.topics[role], key=key, value=value)
            producer.poll(0)
        assert producer.flush(PATIENCE_S) == 0

    def start(self, **asked: Any) -> subprocess.Popen[bytes]:
        order = {
            "broker": self.broker.address,
            "group": self.group,
            "data_dir": str(self.data_dir),
            "partitions": PARTITIONS,
            "topics": self.topics,
            "idempotent": self.idempotent,
            **asked,
        }
        with (self.logs / f"worker-{len(self.workers)}.log").open("wb") as log:
            worker = subprocess.Popen([sys.executable, str(TOY), json.dumps(order)], stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def log(self, worker: subprocess.Popen[bytes]) -> str:
        return (self.logs / f"worker-{self.workers.index(worker)}.log").read_text()

    def stop(self, worker: subprocess.Popen[bytes]) -> int:
        worker.terminate()
        return worker.wait(PATIENCE_S)

    def committed(self) -> dict[tuple[str, int], int]:
        consumer = Consumer({"bootstrap.servers": self.broker.address, "log_level": 0, "group.id": self.group})
        asked = [TopicPartition(self.topics[role], p) for role in ("a", "b") for p in range(PARTITIONS)]
        try:
            found = {(tp.topic, tp.partition): max(tp.offset, 0) for tp in consumer.committed(asked, timeout=10)}
        except KafkaException:  # a broker that has just started has no coordinator yet
            found = dict.fromkeys([(tp.topic, tp.partition) for tp in asked], 0)
        consumer.close()
        return found

    def ends(self) -> dict[tuple[str, int], int]:
        """Return how many records were fed to each input partition."""
        return {
            (self.topics[role], partition): count
            for role in ("a", "b")
            for partition, count in enumerate(self._counts(self.topics[role]))
        }

    def ends_by_watermark(self) -> dict[tuple[str, int], int]:
        """Return where each input partition ends, as the broker says: what was deleted counts, too."""
        consumer = Consumer({"bootstrap.servers": self.broker.address, "log_level": 0, "group.id": "reader"})
        tps = [TopicPartition(self.topics[role], p) for role in ("a", "b") for p in range(PARTITIONS)]
        found = {(tp.topic, tp.partition): consumer.get_watermark_offsets(tp, timeout=10)[1] for tp in tps}
        consumer.close()
        return found

    def _counts(self, topic: str) -> list[int]:
        counts = [0] * PARTITIONS
        for partition, _, _ in self._records(topic):
            counts[partition] += 1
        return counts

    def read(self, topic: str) -> list[tuple[bytes, bytes | None]]:
        """Return all records of a topic, each partition in its order."""
        return [(key, value) for _, key, value in self._records(topic)]

    def _records(self, topic: str) -> list[tuple[int, bytes, bytes | None]]:
        consumer = Consumer(
            {
                "bootstrap.servers": self.broker.address,
                "log_level": 0,
                "group.id": "reader",
                "enable.partition.eof": True,
            }
        )
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(PARTITIONS)])
        records: list[tuple[int, bytes, bytes | None]] = []
        ended: set[int | None] = set()
        while len(ended) < PARTITIONS:
            for message in consumer.consume(5000, 0.2):
                if message.error():
                    ended.add(message.partition())
                else:
                    records.append((message.partition() or 0, message.key() or b"", message.value()))
        consumer.close()
        return records

    def outputs(self) -> set[bytes]:
        return {value for _, value in self.read(self.topics["out"]) if value is not None}

    def folded_changelog(self) -> dict[bytes, bytes]:
        folded = dict(self.read(self.changelog))
        return {key: value for key, value in folded.items() if value is not None}

    def stored(self) -> dict[bytes, bytes]:
        """Return the local state of all partitions; no worker may be alive."""
        found: dict[bytes, bytes] = {}
        for path in sorted((self.data_dir / self.group / "sums").iterdir()):
            store = Store(path, Tuning(8 << 20, 8 << 20, 1))
            found.update(cast("Iterator[tuple[bytes, bytes]]", store._db.values.items()))
            store.close()
        return found

    def wait_for(self, holds: Callable[[], bool], worker: subprocess.Popen[bytes] | None = None) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            if worker is not None and worker.poll() is not None:
                raise AssertionError(f"the worker ended with {worker.poll()}:\n{self.log(worker)}")
            if time.monotonic() > until:
                logs = "\n".join(self.log(each) for each in self.workers)
                raise AssertionError(f"waited for too long:\n{logs}")
            time.sleep(0.05)

    def wait_until_running(self, worker: subprocess.Popen[bytes]) -> None:
        self.wait_for(lambda: "up to date" in self.log(worker), worker)

    def wait_until_committed(self, total: int, worker: subprocess.Popen[bytes] | None = None) -> None:
        self.wait_for(lambda: sum(self.committed().values()) >= total, worker)

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()


@pytest.fixture
def make_bench(broker: Broker, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    made: list[Bench] = []

    def make() -> Bench:
        directory = tmp_path / f"bench-{len(made)}"
        directory.mkdir()
        made.append(Bench(broker, directory))
        made[-1].create_topics()
        return made[-1]

    try:
        yield make
    finally:
        for each in made:
            each.close()


@pytest.fixture
def bench(make_bench: Callable[[], Bench]) -> Bench:
    return make_bench()

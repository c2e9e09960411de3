"""The cluster that other tests lean on: it must be Apache Kafka, and survive what they will do to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is there, its stubs do not say so

from tests.kafka.cluster import Cluster
from tests.kafka.jars import CHECKSUMS, different

PATIENCE_S = 30
pytestmark = pytest.mark.kafka


def test_every_jar_is_the_one_that_we_know(kafka: Cluster, tmp_path: Path) -> None:
    assert different() == []
    assert different(tmp_path) == sorted(line.split()[1] for line in CHECKSUMS.read_text().splitlines())


def test_a_killed_node_comes_back_with_all_that_it_acknowledged(make_kafka: Callable[..., Cluster]) -> None:
    kafka = make_kafka()
    create(kafka, copies=1)
    write(kafka, range(100))
    kafka.nodes[0].kill()
    assert kafka.members() == 0
    kafka.nodes[0].start()
    kafka.wait()
    assert read(kafka) == list(range(100))


def test_three_nodes_go_on_without_one_of_them(make_kafka: Callable[..., Cluster]) -> None:
    kafka = make_kafka(nodes=3)
    assert kafka.members() == 3
    create(kafka, copies=3, config={"min.insync.replicas": "2"})
    write(kafka, range(100))
    kafka.nodes[1].stop()
    write(kafka, range(100, 200))
    assert read(kafka) == list(range(200))
    kafka.nodes[1].start()
    kafka.wait()
    assert kafka.members() == 3


def test_a_frozen_node_answers_nothing_until_it_goes_on(make_kafka: Callable[..., Cluster]) -> None:
    kafka = make_kafka()
    kafka.nodes[0].pause()
    assert kafka.members() == 0
    kafka.nodes[0].go_on()
    kafka.wait()
    assert kafka.members() == 1


def create(kafka: Cluster, copies: int, config: dict[str, str] | None = None) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    for made in admin.create_topics([NewTopic("t", 1, copies, config=config or {})]).values():
        made.result(PATIENCE_S)


def write(kafka: Cluster, numbers: range) -> None:
    producer = Producer({"bootstrap.servers": kafka.brokers, "acks": "all", "log_level": 0})
    for number in numbers:
        producer.produce("t", value=b"%d" % number)
    assert producer.flush(PATIENCE_S) == 0


def read(kafka: Cluster) -> list[int]:
    reader = Consumer(
        {"bootstrap.servers": kafka.brokers, "group.id": "r", "enable.partition.eof": True, "log_level": 0}
    )
    reader.assign([TopicPartition("t", 0, 0)])
    found: list[int] = []
    while True:
        message = reader.poll(PATIENCE_S)
        assert message is not None
        if message.error():
            reader.close()
            return found
        found.append(int(message.value() or b"-1"))

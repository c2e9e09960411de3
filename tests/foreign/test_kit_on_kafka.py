"""`ses-streams kit check` on Apache Kafka: the last records only, what is committed only, and how they were packed."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka import Producer

from streams.cli.kit_judging import HOUR, Judge
from streams.cli.kit_reading import judged
from streams.emit.admin import ensure_topics
from streams.settings import Security, Settings
from streams.simulator.ids import message_id
from streams.topics import plan
from tests.builders import CODEC, NOON, send
from tests.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka

PARTITIONS = 4


@pytest.fixture
def settings(kafka: Cluster) -> Settings:
    """Give topics of this test's own."""
    prefix = f"kit-{uuid.uuid4().hex[:8]}."
    ensure_topics(
        kafka.brokers, Security(), plan(prefix=prefix, partitions=PARTITIONS, replication=1, group=prefix[:-1])
    )
    return Settings(brokers=kafka.brokers, topic_prefix=prefix, replication=1)


def publish(settings: Settings, first: int, count: int, **words: object) -> Producer:
    """Publish sends as they should be, but for *words* that librdkafka is told."""
    made = {"bootstrap.servers": settings.brokers, "partitioner": "murmur2_random", "linger.ms": 20}
    producer = Producer(made | {name.replace("_", "."): value for name, value in words.items()})
    if "transactional_id" in words:
        producer.init_transactions(30)
        producer.begin_transaction()
    for number in range(first, first + count):
        one = message_id(1, number, NOON)
        producer.produce(f"{settings.topic_prefix}sends", key=one, value=CODEC.encode("mail.Send", send(one)))
        producer.poll(0)
    assert producer.flush(30) == 0
    return producer


def judge(settings: Settings, last: int | None) -> tuple[Judge, int]:
    return judged(settings, "sends", last, lambda name, count: Judge(CODEC, name, count, NOON + HOUR))


def test_only_the_last_records_of_each_partition_are_read(settings: Settings) -> None:
    publish(settings, 0, 400)
    made, held = judge(settings, 10)
    assert (made.records, held, made.found()) == (10 * PARTITIONS, 400, [])
    made, held = judge(settings, None)
    assert (made.records, held) == (400, 400)


def test_what_was_aborted_is_not_judged(settings: Settings) -> None:
    publish(settings, 0, 50)
    publish(settings, 1_000, 30, transactional_id=settings.topic_prefix).abort_transaction(30)
    made, _ = judge(settings, None)
    assert (made.records, made.found()) == (50, [])


@pytest.mark.parametrize(("packing", "found"), [("none", ["UNCOMPRESSED"]), ("zstd", []), ("lz4", [])])
def test_a_large_topic_is_told_how_it_was_packed(
    settings: Settings, packing: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.kit_judging.LARGE", 1_000_000)
    publish(settings, 0, 10_000, compression_type=packing)
    made, _ = judge(settings, None)
    assert made.bytes > 1_500_000
    assert [one.rule.name for one in made.found()] == found

"""How records stand in Apache Kafka's own log: written idempotently, each batch in its place in a sequence."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError, KafkaError

from streams.engine.producer import ChunkProducer
from streams.engine.sending import drop, listen
from tests.engine.acting import until
from tests.engine.conftest import PARTITIONS, Bench
from tests.engine.test_worker import amounts
from tests.kafka.cluster import Cluster

RECORDS = 3_000
HEAD = struct.Struct(">qiibIhiqqqhii")
"""Of a record batch (KIP-98): base offset, length, leader epoch, magic, CRC, attributes, last offset's delta, first and
last timestamp, producer id, producer epoch, base sequence, number of records."""
BEFORE_LENGTH = 12


class Batch(NamedTuple):
    """What a batch's head says of who wrote it."""

    producer: int
    epoch: int
    sequence: int
    records: int


def batches(partition: Path) -> Iterator[Batch]:
    """Yield the batches of a partition's directory."""
    for segment in sorted(partition.glob("*.log")):
        data, at = segment.read_bytes(), 0
        while at + HEAD.size <= len(data):
            head = HEAD.unpack_from(data, at)
            yield Batch(*head[9:13])
            at += BEFORE_LENGTH + head[1]


def written(kafka: Cluster, topic: str) -> list[list[Batch]]:
    return [list(batches(kafka.nodes[0].data / f"{topic}-{number}")) for number in range(PARTITIONS)]


@pytest.mark.kafka
def test_outputs_and_changelog_are_written_idempotently_and_without_a_gap(kafka: Cluster, tmp_path: Path) -> None:
    bench = Bench(kafka, tmp_path)
    bench.create_topics()
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(chunk_records=100)
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    for topic in (bench.topics["out"], bench.changelog):
        for partition in written(kafka, topic):
            assert len(partition) > 1
            assert {(batch.producer >= 0, batch.epoch >= 0) for batch in partition} == {(True, True)}
            assert len({batch.producer for batch in partition}) == 1
            ends = [batch.sequence + batch.records for batch in partition]
            assert [batch.sequence for batch in partition] == [0, *ends[:-1]]


@pytest.mark.kafka
async def test_after_batches_were_thrown_away_the_next_one_is_in_sequence(kafka: Cluster, tmp_path: Path) -> None:
    bench = Bench(kafka, tmp_path)
    bench.create_topics()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.brokers, enable_idempotence=True)
    await producer.start()
    refused: dict[TopicPartition, KafkaError] = {}
    listen(producer._sender, refused)
    await (await queued(producer, bench.topics["out"], b"first"))
    refused.clear()
    send, producer.client.send = producer.client.send, unanswered
    tried = await queued(producer, bench.topics["out"], b"thrown away")
    await until(lambda: refused)  # now it waits, not queued, until it may be tried again
    disowned: set[Any] = set()
    owner = SimpleNamespace(_ensure_producer=lambda: producer, _disowned=disowned)
    ChunkProducer.disown(cast("Any", owner))
    assert len(disowned) == 1
    accumulator = producer._message_accumulator
    await until(lambda: accumulator._batches)
    drop(accumulator, disowned)
    assert disowned == set()
    producer.client.send = send
    await (await queued(producer, bench.topics["out"], b"next"))
    assert isinstance(tried.exception(), CommitFailedError)
    await producer.stop()
    assert [batch.sequence for batch in written(kafka, bench.topics["out"])[0]] == [0, 0]


async def queued(producer: Any, topic: str, value: bytes) -> asyncio.Future[Any]:
    builder = producer.create_batch()
    builder.append(key=b"k", value=value, timestamp=None)
    return cast("asyncio.Future[Any]", await producer.send_batch(builder, topic, partition=0))


async def unanswered(*_: object, **__: object) -> None:
    await asyncio.sleep(0.01)
    raise KafkaConnectionError


@pytest.mark.kafka
def test_a_producer_that_is_told_not_to_be_idempotent_is_not(kafka: Cluster, tmp_path: Path) -> None:
    bench = Bench(kafka, tmp_path)
    bench.create_topics()
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(idempotent=False)
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    assert {batch.producer for partition in written(kafka, bench.topics["out"]) for batch in partition} == {-1}

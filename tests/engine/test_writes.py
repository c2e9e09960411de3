"""How records stand in Apache Kafka's own log: written idempotently, each batch in its place in a sequence."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

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
def test_a_producer_that_is_told_not_to_be_idempotent_is_not(kafka: Cluster, tmp_path: Path) -> None:
    bench = Bench(kafka, tmp_path)
    bench.create_topics()
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(idempotent=False)
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    assert {batch.producer for partition in written(kafka, bench.topics["out"]) for batch in partition} == {-1}

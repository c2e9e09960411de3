"""All ways a changelog can be, on Apache Kafka: whatever it was through, state ends as what can be read of it."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is there, its stubs do not say so

from tests.engine.conftest import PARTITIONS, PATIENCE_S, Bench
from tests.engine.test_worker import amounts, read_sums, sums
from tests.kafka.cluster import Cluster

RECORDS = 3_000
ON_KAFKA = [pytest.param("kafka", marks=pytest.mark.kafka)]
pytestmark = [pytest.mark.kafka, pytest.mark.parametrize("broker", ON_KAFKA, indirect=True)]


def state(number: int) -> bytes:
    """Return a state as the toy writes it."""
    return json.dumps({"sum": number}).encode()


def lived(bench: Bench) -> list[tuple[bytes, bytes]]:
    """Have a worker work, and stop it; return what it was fed."""
    fed = amounts(RECORDS)
    bench.feed("a", fed)
    worker = bench.start(chunk_records=50)
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    return fed


def recovered(bench: Bench, **asked: object) -> subprocess.Popen[bytes]:
    """Have a worker recover, and stop it."""
    worker = bench.start(**asked)
    bench.wait_until_running(worker)
    assert bench.stop(worker) == 0
    return worker


def transactional(bench: Bench) -> Producer:
    producer = Producer({"bootstrap.servers": bench.broker.address, "transactional.id": f"{bench.group}-foreign"})
    producer.init_transactions(PATIENCE_S)
    return producer


def write(bench: Bench, producer: Producer, keys: int, number: int) -> None:
    for key in range(keys):
        for partition in range(PARTITIONS):
            producer.produce(bench.changelog, key=b"txn-%d" % key, value=state(number), partition=partition)
    producer.flush(PATIENCE_S)


def to_read(bench: Bench, worker: subprocess.Popen[bytes]) -> int:
    return int(re.findall(r"(\d+) changelog offsets to read", bench.log(worker))[-1])


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_transaction_committed_counts_and_what_it_aborted_does_not(bench: Bench, lost: bool) -> None:
    lived(bench)
    producer = transactional(bench)
    for number, end in enumerate(
        (producer.commit_transaction, producer.abort_transaction, producer.commit_transaction)
    ):
        producer.begin_transaction()
        write(bench, producer, 30 - 10 * number, number)
        end(PATIENCE_S)
    producer.begin_transaction()
    write(bench, producer, 30, 3)
    producer.abort_transaction(PATIENCE_S)  # so an aborted transaction is the end
    if lost:
        shutil.rmtree(bench.data_dir)
    for _ in range(2):  # the second time there is nothing but markers behind what is known
        recovered(bench)
        assert bench.stored() == bench.folded_changelog()
    found = read_sums(bench.stored())
    assert [found[b"txn-%d" % key] for key in range(30)] == [2] * 10 + [0] * 20


def test_no_lane_opens_before_an_open_transaction_is_decided(bench: Bench) -> None:
    lived(bench)
    producer = transactional(bench)
    producer.begin_transaction()
    write(bench, producer, 10, 7)
    worker = bench.start()
    bench.wait_for(lambda: "wait for a transaction" in bench.log(worker), worker)
    assert "up to date" not in bench.log(worker)
    producer.commit_transaction(PATIENCE_S)
    bench.wait_until_running(worker)
    assert bench.stop(worker) == 0
    assert bench.stored() == bench.folded_changelog()
    assert read_sums(bench.stored())[b"txn-3"] == 7


def cut(bench: Bench, before: float) -> None:
    """Delete the first part of the changelog."""
    counts = bench._counts(bench.changelog)
    admin = AdminClient({"bootstrap.servers": bench.broker.address})
    ends = [TopicPartition(bench.changelog, p, int(count * before)) for p, count in enumerate(counts)]
    for done in admin.delete_records(ends).values():
        done.result(PATIENCE_S)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_store_that_knows_what_was_cut_off_keeps_it(bench: Bench, share: float) -> None:
    fed = lived(bench)
    cut(bench, share)
    worker = recovered(bench)
    assert "rebuilding" not in bench.log(worker)
    assert read_sums(bench.stored()) == sums(fed)


def test_a_store_without_what_was_cut_off_is_rebuilt_from_what_is_left(bench: Bench) -> None:
    lived(bench)
    home = bench.data_dir
    shutil.copytree(home, home.with_name("old"))
    bench.feed("b", amounts(RECORDS, seed=2))
    worker = bench.start(chunk_records=50)
    bench.wait_until_committed(2 * RECORDS, worker)
    assert bench.stop(worker) == 0
    cut(bench, 0.9)
    for directory in (home.with_name("old"), home.with_name("empty")):
        bench.data_dir = directory
        recovered(bench)
        assert bench.stored() == bench.folded_changelog() != {}
    assert "no longer has what follows local state" in bench.log(bench.workers[-2])


def test_a_changelog_that_was_made_anew_and_is_longer_than_before_is_not_taken_for_the_old_one(bench: Bench) -> None:
    lived(bench)
    bench.delete_topics(bench.changelog)
    bench.wait_for(lambda: bench.changelog not in topics(bench))
    bench.create_topics(bench.changelog)
    producer = Producer({"bootstrap.servers": bench.broker.address})
    write(bench, producer, 5_000, 5)
    worker = recovered(bench)
    assert "is not the changelog that local state came from" in bench.log(worker)
    assert bench.stored() == bench.folded_changelog()


def topics(bench: Bench) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bench.broker.address}).list_topics(timeout=10).topics)


def test_a_compacted_changelog_gives_the_same_state_from_any_point(
    make_kafka: Callable[..., Cluster], tmp_path: Path, broker: Cluster
) -> None:
    cleaning = {"log.cleaner.backoff.ms": "100", "log.cleaner.min.cleanable.ratio": "0.01"}
    bench = Bench(make_kafka(config=cleaning), tmp_path)
    bench.create_topics(*bench.topics.values())
    config = {
        "cleanup.policy": "compact",
        "segment.bytes": str(1 << 20),
        "segment.ms": "500",
        "max.compaction.lag.ms": "1",
    }
    admin = AdminClient({"bootstrap.servers": bench.broker.address})
    for made in admin.create_topics([NewTopic(bench.changelog, PARTITIONS, 1, config=config)]).values():
        made.result(PATIENCE_S)
    fed = lived(bench)
    home = bench.data_dir
    shutil.copytree(home, home.with_name("behind"))
    bench.feed("b", amounts(RECORDS, seed=2))
    worker = bench.start(chunk_records=50)
    bench.wait_until_committed(2 * RECORDS, worker)
    assert bench.stop(worker) == 0
    producer = Producer({"bootstrap.servers": bench.broker.address})

    def is_compacted() -> bool:
        write(bench, producer, 1, 1)  # a segment is closed when the next record comes
        return sum(bench._counts(bench.changelog)) < 1_000  # of more than 5,000: 200 keys, and what is too young

    bench.wait_for(is_compacted)
    for directory in (home, home.with_name("behind"), home.with_name("empty")):
        bench.data_dir = directory
        recovered(bench)
        assert bench.stored() == bench.folded_changelog()
        assert read_sums(bench.stored()) == {**sums(fed, amounts(RECORDS, seed=2)), b"txn-0": 1}


def test_a_rebuild_that_is_killed_goes_on_where_it_was(bench: Bench) -> None:
    producer = Producer(
        {"bootstrap.servers": bench.broker.address, "linger.ms": 50, "queue.buffering.max.messages": 999_999}
    )
    for number in range(200_000):
        value = json.dumps({"sum": number, "pad": str(number) * 40}).encode()
        key = b"key-%d" % (number * 7919 % 60_000)
        producer.produce(bench.changelog, key=key, value=value, partition=number % PARTITIONS)
        producer.poll(0)
    assert producer.flush(PATIENCE_S) == 0
    worker = bench.start(state_buffer=16 << 20)
    bench.wait_for(lambda: len(list(bench.data_dir.rglob("*.sst"))) >= 4 * PARTITIONS, worker)
    worker.kill()
    worker.wait()
    assert "up to date" not in bench.log(worker)
    worker = recovered(bench, state_buffer=16 << 20)
    assert 0 < to_read(bench, worker) < 200_000
    assert bench.stored() == bench.folded_changelog()


def test_a_worker_whose_disk_is_full_stops_with_a_sentence_and_goes_on_once_there_is_room(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    worker = bench.start(state_flush=0)  # else what is written waits in memory
    bench.wait_until_committed(RECORDS, worker)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1 << 14, 1 << 14))  # its tables are larger
    many = [(f"{number * 2_654_435_761 % (1 << 32)}".encode(), b"1") for number in range(RECORDS)]
    bench.feed("b", many)
    assert worker.wait(PATIENCE_S) == 1
    said = bench.log(worker)
    assert f"state directory {bench.data_dir}" in said
    assert "make room there" in said
    assert "key-" not in said
    worker = bench.start()
    bench.wait_until_committed(2 * RECORDS, worker)
    bench.wait_for(lambda: "up to date" in bench.log(worker), worker)
    assert bench.stop(worker) == 0
    assert read_sums(bench.stored()) == read_sums(bench.folded_changelog()) == sums(amounts(RECORDS), many)


def test_a_state_directory_that_cannot_be_made_is_named(bench: Bench) -> None:
    bench.data_dir.write_text("a file")
    worker = bench.start()
    assert worker.wait(PATIENCE_S) == 1
    assert f"state directory {bench.data_dir}" in bench.log(worker)

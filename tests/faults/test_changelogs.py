"""Fault 10: changelogs that are compacted, cut short, made anew, or hold what others wrote; and state that is damaged.

The broken twin is the one that keeps state on its disk alone (tests/faults/careless.py); the last test shows that the
checker sees it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from confluent_kafka import Producer

from tests.faults.damage import DAMAGES
from tests.faults.hand import configure, create, cut_short, delete, reading, records
from tests.faults.process import Worker
from tests.faults.stage import Stage
from tests.faults.verdict import Verdict
from tests.faults.watch import QUICK, careless, started_again, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 250
EAGER = {
    "segment.ms": "500",
    "max.compaction.lag.ms": "500",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "100",
}
"""Have a topic compacted within a second, deletions and all."""


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_state_that_is_damaged_in_any_way_loses_nothing(stage: Stage) -> None:
    chance, worker = Random(f"damage {stage.seed}"), stage.worker()
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(2)
        for damage in DAMAGES:
            chance.choice((worker.kill, worker.stop))()
            damage(worker.data, chance)
            with started_again(stage):
                wait_until(worker.ready, f"the worker is ready after {damage.__name__}")
                time.sleep(1.5)
    with started_again(stage):
        stage.settle()
    stage.end(f"local state lost, cut, garbled or foreign, {len(DAMAGES)} ways")


@pytest.fixture
def eager(make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path) -> Iterator[Stage]:
    """Set the stage on a broker that compacts at once."""
    cluster = make_kafka(config={"log.cleaner.backoff.ms": "200", "log.retention.check.interval.ms": "500"})
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_a_changelog_that_is_compacted_rebuilds_all(eager: Stage) -> None:
    stage = eager
    for changelog in stage.changelogs:
        configure(stage, changelog, EAGER)
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(5)
        for changelog in stage.changelogs:
            wait_until(lambda name=changelog: _has_gaps(stage, name), f"{changelog} is compacted")  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
        _on_an_empty_disk(worker)
        time.sleep(3)
        worker.stop()
        worker.start()
        worker.wait_until_ready()
    stage.end("changelogs are compacted, the disk is lost")


def test_what_others_wrote_and_took_back_in_a_changelog_is_passed_over(stage: Stage) -> None:
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        for on_disk in (True, False):
            time.sleep(3)
            worker.stop()
            for changelog in stage.changelogs:
                _write_and_abort(stage, changelog)
                _repeat_the_last(stage, changelog)
                _write_and_abort(stage, changelog)
            if on_disk:
                worker.start()
                worker.wait_until_ready()
            else:
                _on_an_empty_disk(worker)
        time.sleep(3)
    stage.end("changelogs hold transactions, aborted ones too")


def test_a_changelog_that_is_cut_short_behind_state_loses_nothing(stage: Stage) -> None:
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(4)
        worker.stop()
        for changelog in stage.changelogs:
            ends = {record.partition: record.offset for record in records(stage, changelog)}
            configure(stage, changelog, {"cleanup.policy": "compact,delete"})  # else the brokers refuse
            cut_short(stage, changelog, ends)
            configure(stage, changelog, {"cleanup.policy": "compact"})
        worker.start()
        worker.wait_until_ready()
        time.sleep(3)
    stage.settle()
    verdict = _without_tables(stage.verdict(), "half of the changelog is gone, and only the disk has it all")
    stage.report("changelogs are cut short, up to what the disk has", verdict)
    assert verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}\n{stage.last_words()}"


def test_a_changelog_that_is_made_anew_is_noticed(stage: Stage) -> None:
    """What was known of mails is gone with it, so it happens when all is settled; it must not be mixed with the new."""
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(mails=1_000, rate=RATE):
        pass
    assert stage.settle()
    worker.stop()
    for changelog in stage.changelogs:
        delete(stage, changelog)
        create(stage, changelog, stage.setting.partitions, {"cleanup.policy": "compact"})
    with stage.traffic(mails=1_500, rate=RATE):
        worker.start()
        worker.wait_until_ready()
    assert "is not the changelog that local state came from" in worker.text()
    stage.end("changelogs are made anew, between two mailings")


def test_the_checker_sees_a_worker_that_keeps_state_on_its_disk_alone(stage: Stage) -> None:
    worker = careless(stage, "unlogged")
    worker.wait_until_ready()
    with stage.traffic(mails=1_500, rate=RATE):
        time.sleep(3)
        _on_an_empty_disk(worker)
    stage.settle(5)
    verdict = stage.verdict()
    assert verdict.lost
    assert verdict.wrong


def _on_an_empty_disk(worker: Worker) -> None:
    """Kill a worker, take its disk away, and start it."""
    worker.kill()
    shutil.rmtree(worker.data)
    worker.start()
    worker.wait_until_ready()


def _has_gaps(stage: Stage, topic: str) -> bool:
    there = records(stage, topic)
    with reading(stage, [topic]) as reader:
        return len(there) < sum(reader.high(topic, partition) for partition in range(stage.setting.partitions))


def _write_and_abort(stage: Stage, topic: str) -> None:
    producer = _transactional(stage)
    for partition in range(stage.setting.partitions):
        producer.produce(topic, key=b"nobody", value=b"this was never said", partition=partition)
    producer.flush()
    producer.abort_transaction()


def _repeat_the_last(stage: Stage, topic: str) -> None:
    """Write the last record of each partition once more, in a transaction that is committed."""
    last = {record.partition: record for record in records(stage, topic)}
    producer = _transactional(stage)
    for partition, record in last.items():
        producer.produce(topic, key=record.key, value=record.value, partition=partition)
    producer.commit_transaction()


def _transactional(stage: Stage) -> Producer:
    producer = Producer({"bootstrap.servers": stage.broker.address, "transactional.id": f"somebody-{stage.seed}"})
    producer.init_transactions()
    producer.begin_transaction()
    return producer


def _without_tables(verdict: Verdict, why: str) -> Verdict:
    verdict.findings = [finding for finding in verdict.findings if finding.invariant != "I6"]
    verdict.kinds.pop("tables", None)
    verdict.skipped["I6"] = why
    return verdict

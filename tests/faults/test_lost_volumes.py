"""Fault 10b: volumes are lost under load: one, all, all while mail is being sent, and the workers with them.

All state is in the changelogs, so nothing may be lost, what is known must be recognised again, and no mail may go
twice. The broken twin passes over what its changelogs hold.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.faults.hand import records
from tests.faults.process import Worker
from tests.faults.rig import rigged, wait_until_quiet
from tests.faults.setting import Setting
from tests.faults.shares import share_all
from tests.faults.stage import Stage
from tests.faults.watch import QUICK, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE, WORK_S = 200, 4.0
IN_ORDER = 0


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_a_volume_that_is_lost_loses_nothing(stage: Stage) -> None:
    workers = begin(stage, "pod-0", "pod-1", "pod-2")
    with stage.traffic(rate=RATE):
        for worker in workers[:2]:
            time.sleep(WORK_S)
            lose(worker)
            stage.notes["ready_s"] = ready_again(stage, [worker])
        time.sleep(WORK_S)
    stage.end("a worker's volume is lost, twice")


def test_all_volumes_that_are_lost_at_once_lose_nothing(stage: Stage) -> None:
    workers = begin(stage, "pod-0", "pod-1", "pod-2")
    with stage.traffic(rate=RATE):
        time.sleep(2 * WORK_S)
        lose(*workers)
        stage.notes["ready_s"] = ready_again(stage, workers)
        time.sleep(WORK_S)
    stage.end("all volumes are lost at once")


def test_what_is_known_is_recognised_on_empty_volumes(stage: Stage) -> None:
    """Everything that SES has said is said once more to workers that have nothing but their changelogs."""
    workers = begin(stage, "pod-0", "pod-1")
    with stage.traffic(mails=2_000, rate=RATE):
        pass
    assert stage.settle()
    for worker in workers:
        assert worker.stop() == IN_ORDER, stage.last_words()
        shutil.rmtree(worker.data)
    before, again = len(outcomes(stage)), records(stage, stage.topics["feedback"])
    producer = Producer({"bootstrap.servers": stage.broker.address, "partitioner": "murmur2_random"})
    for record in again:
        producer.produce(record.topic, key=record.key, value=record.value, partition=record.partition)
    assert not producer.flush(60)
    ready_again(stage, workers)
    stage.end("all volumes are lost, and all events come again")
    assert len(outcomes(stage)) == before, "what was known came out again"


def test_volumes_that_are_lost_while_mail_is_sent_make_no_mail_go_twice(
    cluster: Cluster, seed: int, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, Setting(dispatch=True)) as stage:
        workers = begin(stage, "pod-0", "pod-1")
        with stage.traffic(rate=40):
            for _ in range(2):
                time.sleep(WORK_S)
                lose(*workers)
                stage.notes["ready_s"] = ready_again(stage, workers)
            time.sleep(WORK_S)
        verdict = stage.end("all volumes are lost at once, sending", timeout=180)
        assert verdict.kinds["mails"].duplicated == 0, f"FAULTS_SEED={stage.seed}: sent twice\n{verdict.words()}"


def test_another_cluster_of_workers_takes_up_where_the_lost_one_was(stage: Stage) -> None:
    """Kafka is there, and nothing else: other names, another number, no volumes. The group waits for the lost ones."""
    lost = begin(stage, "east-0", "east-1", "east-2")
    with stage.traffic(rate=RATE):
        time.sleep(2 * WORK_S)
        lose(*lost, start=False)
        began = time.monotonic()
        begin(stage, "west-0", "west-1")
        stage.notes["ready_s"] = round(time.monotonic() - began, 1)
        time.sleep(WORK_S)
    stage.end("three workers and their volumes are lost, two of other names come")


def test_the_checker_sees_a_worker_that_passes_over_its_changelogs(stage: Stage) -> None:
    worker = rigged(stage, "pod-0", engine__instance_id="pod-0")
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(WORK_S)
        worker.kill()
        shutil.rmtree(worker.data)
        rigged(stage, "pod-0", ("read_nothing",)).wait_until_ready()
        time.sleep(WORK_S)
    wait_until_quiet(stage)
    verdict = stage.verdict()
    assert not verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


def begin(stage: Stage, *names: str) -> list[Worker]:
    """Start workers, and wait until each has a share."""
    workers = [stage.worker(name, engine__instance_id=name) for name in names]
    ready_again(stage, workers)
    return workers


def lose(*workers: Worker, start: bool = True) -> None:
    """Kill workers and take their volumes away; start them on empty ones, as their StatefulSet does."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        shutil.rmtree(worker.data)
        if start:
            worker.start()


def ready_again(stage: Stage, workers: Sequence[Worker]) -> float:
    """Start workers that do not run, and return after how many seconds all are ready, with a share each."""
    began = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait_until_ready()
    if len(workers) > 1:
        names = [worker.name for worker in stage.workers.values() if worker.alive]
        wait_until(lambda: share_all(stage, names), "all have a share each", patience=90)
    return round(time.monotonic() - began, 1)


def outcomes(stage: Stage) -> list[bytes | None]:
    """Return all outcomes that lie on their topic."""
    return [record.value for record in records(stage, stage.topics["outcomes"])]

"""Fault 8: dead letters that cannot be written: the worker must stop, and acknowledge nothing that it could not keep.

The broken twin is the one that does not wait for its outputs (tests/faults/careless.py): it goes on, and what it could
not set aside is gone. The last test shows that the checker sees it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Need, need_kafka
from tests.faults.hand import allow_again, by_the_door, create, delete, nothing_is_acknowledged_past_poison
from tests.faults.stage import Stage
from tests.faults.watch import QUICK, careless, stops_loudly
from tests.kafka.cluster import Cluster
from tests.kafka.secured import deny

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 250


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_dead_letters_that_were_deleted_stop_the_worker_and_lose_nothing(stage: Stage) -> None:
    topic = stage.topics["dead-letters"]
    worker = stage.worker(engine__stall_seconds=10)  # topics are looked at every 5 s
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        delete(stage, topic)
        stops_loudly(worker, topic, "ses-streams topics")
        time.sleep(1)
    nothing_is_acknowledged_past_poison(stage)
    create(stage, topic, stage.setting.partitions)
    worker.start()
    worker.wait_until_ready()
    with stage.traffic(mails=2_000):
        pass
    stage.end("dead letters are deleted")


@pytest.fixture
def secured(need: Need, tmp_path: Path) -> Iterator[Cluster]:
    need_kafka(need)
    with Cluster(tmp_path / "kafka", secured=True) as cluster:
        yield cluster


def test_dead_letters_that_are_forbidden_stop_the_worker_and_lose_nothing(
    secured: Cluster, seed: int, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", seed, secured, QUICK) as stage:
        topic = stage.topics["dead-letters"]
        worker = stage.worker(**by_the_door(secured))
        worker.wait_until_ready()
        with stage.traffic(rate=RATE):
            deny(secured.brokers, topic)
            stops_loudly(worker, topic, "may not use the topic", "Run: ses-streams topics check")
            time.sleep(1)
        nothing_is_acknowledged_past_poison(stage)
        allow_again(stage, topic)
        worker.start()
        worker.wait_until_ready()
        with stage.traffic(mails=2_000):
            pass
        stage.end("dead letters are forbidden (ACL)")


def test_the_checker_sees_a_worker_that_goes_on_without_its_dead_letters(stage: Stage) -> None:
    topic = stage.topics["dead-letters"]
    worker = careless(stage, "unflushed")
    worker.wait_until_ready()
    delete(stage, topic)
    with stage.traffic(mails=1_500, rate=RATE):
        pass
    assert worker.alive, worker.last_words()
    time.sleep(2)
    worker.kill()
    create(stage, topic, stage.setting.partitions)
    assert stage.verdict().kinds["dead letters"].lost

"""Faults 5 and 10: disks that are full, the worker's and the broker's: whoever writes stops, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Need, need_kafka
from tests.faults.disk import SmallDisk, can_mount, small_disk
from tests.faults.stage import Stage
from tests.faults.watch import QUICK, careless, stays, stops_loudly, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 200
WORKERS_MB = 64
BROKERS_MB = 256


@pytest.fixture(autouse=True)
def _mounting(need: Need) -> None:
    need(can_mount(), "mounting a small disk takes root")


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_a_worker_whose_disk_is_full_stops_and_loses_nothing(stage: Stage) -> None:
    """Not only once: as long as there is no room, it says so and ends."""
    worker = stage.worker(start=False)
    with small_disk(worker.data, WORKERS_MB) as disk:
        worker.start()
        worker.wait_until_ready()
        with stage.traffic(rate=RATE):
            time.sleep(4)
            disk.fill()
            stops_loudly(worker, f"state directory {worker.data}", "No space left on device", "make room there")
            worker.start()
            stops_loudly(worker, str(worker.data), "No space left on device")
            disk.free()
            worker.start()
            worker.wait_until_ready()
            time.sleep(4)
        stays(worker, lives=3)
        stage.end("the worker's disk is full")


def test_the_checker_sees_a_worker_that_goes_on_without_its_disk(stage: Stage) -> None:
    worker = stage.workers["one"] = careless(stage, "unkept")
    worker.kill()
    with small_disk(worker.data, WORKERS_MB) as disk:
        worker.start()
        worker.wait_until_ready()
        with stage.traffic(mails=1_500, rate=RATE):
            time.sleep(3)
            disk.fill()
        wait_until(lambda: not stage.lag(), "all is acknowledged")
        disk.free()
        assert stage.verdict().lost


@pytest.fixture
def small(need: Need, tmp_path: Path) -> Iterator[Cluster]:
    need_kafka(need)
    cluster = Cluster(tmp_path / "kafka")
    with small_disk(cluster.nodes[0].data, BROKERS_MB), cluster:
        yield cluster


def test_a_broker_whose_disk_is_full_loses_nothing(small: Cluster, seed: int, tmp_path: Path) -> None:
    """The broker ends by itself then; it is started again when there is room."""
    node = small.nodes[0]
    with Stage(tmp_path / "stage", seed, small, QUICK) as stage:
        disk = SmallDisk(node.data)
        worker = stage.worker()
        worker.wait_until_ready()
        with stage.traffic(rate=RATE):
            time.sleep(4)
            disk.fill()
            wait_until(lambda: not node.is_alive(), "the broker ends")
            time.sleep(2)
            disk.free()
            node.start()
            small.wait()
            worker.wait_until_ready()
            time.sleep(4)
        stays(worker)
        stage.end("the broker's disk is full")

"""Fault 6: a network that fails between a worker and its broker, by a proxy of our own; the traffic goes round it.

The broken twin is the one that acknowledges too early (tests/faults/careless.py): on a slow network there is always
something on its way, and whoever has said that it was done loses it when it is killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Need, need_kafka
from tests.faults.process import Worker
from tests.faults.proxy import FINE, Proxy, Weather, cluster_behind
from tests.faults.stage import Stage
from tests.faults.watch import QUICK, careless, started_again, stays, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 200
CUTS = 30
DARK_S = 20.0
SLOW = Weather(latency=0.2, jitter=0.1)


@pytest.fixture
def far(need: Need, seed: int, tmp_path: Path) -> Iterator[tuple[Cluster, Proxy]]:
    """Run a broker with a proxy before its second door."""
    need_kafka(need)
    cluster, proxy = cluster_behind(tmp_path / "kafka", seed)
    with cluster, proxy:
        yield cluster, proxy


@pytest.fixture
def proxy(far: tuple[Cluster, Proxy]) -> Proxy:
    return far[1]


@pytest.fixture
def stage(far: tuple[Cluster, Proxy], seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, far[0], QUICK) as ready:
        yield ready


def test_a_slow_network_loses_nothing(stage: Stage, proxy: Proxy) -> None:
    worker = _worker(stage, proxy)
    with stage.traffic(rate=RATE):
        proxy.weather = SLOW
        time.sleep(15)
        proxy.weather = FINE
    stays(worker)
    stage.end("network: each way takes 200 to 300 ms")


def test_connections_that_break_in_mid_frame_lose_nothing(stage: Stage, proxy: Proxy) -> None:
    worker = _worker(stage, proxy)
    with started_again(stage), stage.traffic(rate=RATE):
        for number in range(1, CUTS + 1):
            time.sleep(0.5)
            proxy.cut()
            wait_until(lambda cuts=number: proxy.resets >= cuts, "a connection is cut")  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
    stays(worker)
    stage.end(f"network: {CUTS} connections are cut in mid-frame")


def test_bytes_that_come_one_by_one_lose_nothing(stage: Stage, proxy: Proxy) -> None:
    worker = _worker(stage, proxy)
    with stage.traffic(rate=RATE / 4):
        proxy.weather = Weather(piece=1)
        time.sleep(15)
        proxy.weather = Weather(piece=7)
        time.sleep(5)
        proxy.weather = FINE
    stays(worker)
    stage.end("network: bytes come one by one")


def test_half_open_connections_lose_nothing(stage: Stage, proxy: Proxy) -> None:
    """What is open breaks, what is opened has nobody behind it; such a connection never says so."""
    worker = _worker(stage, proxy)
    with started_again(stage), stage.traffic(rate=RATE):
        time.sleep(3)
        before = proxy.connections
        proxy.weather = Weather(deaf=True)
        proxy.cut(4)
        wait_until(lambda: proxy.connections > before, "the worker tries to come back")
        time.sleep(5)
        proxy.weather = FINE
        wait_until(worker.ready, "it is ready again", 150)
        time.sleep(3)
    stage.end("network: half-open connections")


def test_a_direction_that_is_dark_for_a_while_loses_nothing(stage: Stage, proxy: Proxy) -> None:
    worker = _worker(stage, proxy)
    with started_again(stage), stage.traffic(rate=RATE / 2):
        for weather in (Weather(dark_up=True), Weather(dark_down=True)):
            time.sleep(2)
            proxy.weather = weather
            time.sleep(DARK_S)
            proxy.weather = FINE
            wait_until(worker.ready, "it is ready again")
        time.sleep(2)
    stage.end(f"network: nothing gets to the broker for {DARK_S:.0f} s, then nothing from it")


def test_the_checker_sees_a_worker_that_acknowledges_too_early(stage: Stage, proxy: Proxy) -> None:
    worker = careless(stage, "hasty", brokers=proxy.address, engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        proxy.weather = SLOW
        time.sleep(5)
        worker.kill()
        proxy.weather = FINE
    worker.start()
    wait_until(lambda: not stage.lag(), "all is acknowledged")
    assert stage.verdict().lost


def _worker(stage: Stage, proxy: Proxy) -> Worker:
    worker = stage.worker(brokers=proxy.address)
    worker.wait_until_ready()
    return worker

"""Fault 5: brokers that are stopped, killed, frozen, late or gone, under load; one of them, and three.

The broken twin is the one that does not wait for its outputs (tests/faults/careless.py): what a frozen broker had not
taken is lost when the worker dies meanwhile, as the last test shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from confluent_kafka.admin import AdminClient

from tests.faults.stage import Stage
from tests.faults.watch import QUICK, careless, impatient, started_again, stays, stops_loudly, wait_until
from tests.kafka.cluster import Cluster
from tests.kafka.node import Node

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
TIMES = 5
FROZEN_S = 20.0
RATE = 200


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


@pytest.mark.parametrize("how", ["stopped in order", "killed"])
def test_a_broker_that_is_restarted_five_times_loses_nothing(stage: Stage, cluster: Cluster, how: str) -> None:
    """The worker sits it out, where the broker is away for seconds; on a busy machine it may give up and come again."""
    chance, worker, node = Random(f"{how} {stage.seed}"), stage.worker(), cluster.nodes[0]
    worker.wait_until_ready()
    with started_again(stage), stage.traffic(rate=RATE):
        for _ in range(TIMES):
            time.sleep(chance.uniform(1, 3))
            (node.kill if how == "killed" else node.stop)()
            time.sleep(chance.uniform(0, 1))
            _back(cluster, node)
        wait_until(worker.ready, "the worker is ready")
        time.sleep(1)
    stage.end(f"the broker is {how}, {TIMES} times")


def test_a_broker_that_is_frozen_for_longer_than_the_session_loses_nothing(stage: Stage, cluster: Cluster) -> None:
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(4)
        cluster.nodes[0].pause()
        time.sleep(FROZEN_S)
        cluster.nodes[0].go_on()
        time.sleep(4)
    stays(worker)
    stage.end(f"the broker is frozen for {FROZEN_S:.0f} s")


def test_a_worker_that_starts_before_its_broker_waits_for_it(stage: Stage, cluster: Cluster) -> None:
    with stage.traffic(rate=RATE):
        time.sleep(3)
        cluster.nodes[0].kill()
        worker = stage.worker()
        wait_until(lambda: "no broker answers" in worker.text(), "the worker says what it waits for")
        time.sleep(3)
        stays(worker)
        _back(cluster, cluster.nodes[0])
        worker.wait_until_ready()
        time.sleep(3)
    stays(worker)
    stage.end("no broker when the worker starts")


def test_a_broker_that_stays_away_stops_the_worker_and_loses_nothing(stage: Stage, cluster: Cluster) -> None:
    worker = impatient(stage)
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(4)
        cluster.nodes[0].kill()
        stops_loudly(worker, "have not answered for", "start again")
        worker.start()
        stops_loudly(worker, "no broker answers at", stage.broker.address)
        _back(cluster, cluster.nodes[0])
        worker.start()
        worker.wait_until_ready()
        time.sleep(2)
    stage.end("no broker for longer than the worker waits")


@pytest.fixture
def three(make_kafka: Callable[..., Cluster]) -> Cluster:
    return make_kafka(nodes=3)


@pytest.fixture
def stage_of_three(three: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    setting = replace(QUICK, replication=3, kind="kafka, three nodes")
    with Stage(tmp_path / "stage", seed, three, setting) as ready:
        yield ready


def test_each_of_three_brokers_may_be_killed(stage_of_three: Stage, three: Cluster) -> None:
    """Whoever leads, coordinates or controls is among them."""
    stage, chance = stage_of_three, Random(f"three {stage_of_three.seed}")
    worker = stage.worker()
    worker.wait_until_ready()
    with started_again(stage), stage.traffic(rate=RATE):
        for node in chance.sample(three.nodes, 3):
            time.sleep(chance.uniform(1, 3))
            node.kill()
            time.sleep(chance.uniform(4, 6))
            _back(three, node)
            wait_until(lambda: _in_step(three), "all replicas are in step again")
        time.sleep(2)
    stage.end("three brokers, each killed in turn")


def test_the_checker_sees_a_worker_that_does_not_wait_for_its_brokers(stage_of_three: Stage, three: Cluster) -> None:
    stage = stage_of_three
    worker = careless(stage, "unflushed", engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(2)
        frozen = next(node for node in three.nodes if node.number not in _needed(stage))
        frozen.pause()
        time.sleep(2)  # less than after which the others take over from it
        worker.kill()
        frozen.go_on()
        worker.start()
    wait_until(lambda: not stage.lag(), "all is acknowledged")
    assert stage.verdict().lost


def _needed(stage: Stage) -> set[int]:
    """Return the node without which the group cannot acknowledge anything."""
    admin = AdminClient({"bootstrap.servers": stage.broker.address})
    return {int(found.result().coordinator.id) for found in admin.describe_consumer_groups([stage.group]).values()}


def _back(cluster: Cluster, node: Node) -> None:
    node.start()
    cluster.wait()


def _in_step(cluster: Cluster) -> bool:
    found = AdminClient({"bootstrap.servers": cluster.brokers}).list_topics(timeout=10).topics.values()
    return all(len(one.isrs) == len(one.replicas) for topic in found for one in topic.partitions.values())

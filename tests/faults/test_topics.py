"""Fault 14: topics that are missing, have another number of partitions, grow, or are forbidden.

What a worker must not do here is go on; that it does not is seen in what it says. The twin that goes on without what it
may not write is that of test_unwritable.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its re-exports are public, and not marked so
    AclOperation,
    AdminClient,
)

from tests.conftest import Need, need_kafka
from tests.faults.hand import allow_again, by_the_door, create, delete, grow
from tests.faults.stage import Stage
from tests.faults.watch import QUICK, stops_loudly
from tests.kafka.cluster import Cluster
from tests.kafka.secured import deny

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 250
EMPTY_INPUT = "instructions"
"""An input on which nothing lies here, so that mending it takes nothing away."""


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_an_input_that_grows_stops_the_worker_and_loses_nothing(stage: Stage) -> None:
    topic = stage.topics[EMPTY_INPUT]
    worker = stage.worker(engine__stall_seconds=10)  # topics are looked at every 5 s
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        grow(stage, topic, stage.setting.partitions + 1)
        stops_loudly(worker, f"{topic} has 5 partitions, and had 4", "ses-streams topics check")
        worker.start()
        stops_loudly(worker, f"{topic} has 5 partitions, not 4", "ses-streams topics")
    delete(stage, topic)
    create(stage, topic, stage.setting.partitions)
    worker.start()
    worker.wait_until_ready()
    with stage.traffic(mails=2_000):
        pass
    stage.end("an input gets more partitions")


def test_a_topic_that_is_missing_at_the_start_stops_the_worker(
    make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path
) -> None:
    """Also where brokers make whatever topic is asked for, with a number of partitions that nobody chose."""
    cluster = make_kafka(config={"auto.create.topics.enable": "true", "num.partitions": "1"})
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as stage:
        missing = [stage.topics["outcomes"], *stage.changelogs]
        for topic in missing:
            delete(stage, topic)
        with stage.traffic(mails=3_000, rate=RATE):
            worker = stage.worker()
            said = stops_loudly(worker, *missing, "is missing", "Run: ses-streams topics create")
            assert stage.topics["sends"] not in said
            there = AdminClient({"bootstrap.servers": cluster.brokers}).list_topics(timeout=10).topics
            assert not there.keys() & set(missing), "somebody has made it by asking for it"
            stage._command("topics", "create")
            worker.start()
            worker.wait_until_ready()
        stage.end("topics are missing at the start, and brokers would make them")


def test_a_wrong_number_of_partitions_stops_the_worker_at_its_start(stage: Stage) -> None:
    topic = next(iter(stage.changelogs))
    delete(stage, topic)
    create(stage, topic, 3, {"cleanup.policy": "compact"})
    with stage.traffic(mails=3_000, rate=RATE):
        worker = stage.worker()
        stops_loudly(worker, f"{topic} has 3 partitions, not 4", "Run: ses-streams topics")
        delete(stage, topic)
        stage._command("topics", "create")
        worker.start()
        worker.wait_until_ready()
    stage.end("a changelog with a wrong number of partitions")


@pytest.fixture
def secured(need: Need, tmp_path: Path) -> Iterator[Cluster]:
    need_kafka(need)
    with Cluster(tmp_path / "kafka", secured=True) as cluster:
        yield cluster


@pytest.mark.parametrize(("role", "what"), [("feedback", AclOperation.READ), ("outcomes", AclOperation.WRITE)])
def test_a_topic_that_is_forbidden_stops_the_worker_and_loses_nothing(
    secured: Cluster, seed: int, tmp_path: Path, role: str, what: AclOperation
) -> None:
    with Stage(tmp_path / "stage", seed, secured, QUICK) as stage:
        worker = stage.worker(**by_the_door(secured))
        worker.wait_until_ready()
        with stage.traffic(rate=RATE):
            deny(secured.brokers, stage.topics[role], what)
            stops_loudly(worker, stage.topics[role], "may not use the topic", "Run: ses-streams topics check")
            allow_again(stage, stage.topics[role])
            worker.start()
            worker.wait_until_ready()
        with stage.traffic(mails=2_000):
            pass
        stage.end(f"a topic is forbidden, to {what.name.lower()} (ACL)")

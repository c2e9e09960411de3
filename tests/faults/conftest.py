"""Stages for fault tests: `stage` on Apache Kafka, `embedded_stage` on the embedded broker, and `seed` for both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import SystemRandom

import pytest

from streams.engine.broker import EmbeddedBroker
from tests.faults.stage import Setting, Stage
from tests.kafka.cluster import Cluster


@pytest.fixture
def seed() -> int:
    """Return FAULTS_SEED, or a new one."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) if given else SystemRandom().randrange(1, 1_000_000)


@pytest.fixture
def cluster(make_kafka: Callable[..., Cluster]) -> Cluster:
    """Run one node of Apache Kafka for this test alone: `cluster.nodes[0]` may be broken."""
    return make_kafka()


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    """Set the stage on Apache Kafka."""
    with Stage(tmp_path / "stage", seed, cluster) as ready:
        yield ready


@pytest.fixture
def embedded_stage(seed: int, tmp_path: Path) -> Iterator[Stage]:
    """Set the stage on the embedded broker, which gives out no producer ids."""
    setting = Setting(kind="embedded", idempotent=False)
    with EmbeddedBroker(tmp_path / "broker.log") as broker, Stage(tmp_path / "stage", seed, broker, setting) as ready:
        yield ready


@pytest.fixture
def sending_stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    """Set the stage on Apache Kafka, where traffic is requests and our own worker sends, through the simulator."""
    with Stage(tmp_path / "stage", seed, cluster, Setting(dispatch=True)) as ready:
        yield ready

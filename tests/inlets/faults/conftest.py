"""Stages for fault tests of the intake: `stage` on one node of Apache Kafka, which the test may break, and `seed`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

import pytest

from tests.inlets.faults.relay import Policy
from tests.inlets.faults.stage import Stage
from tests.kafka.cluster import Cluster

MakeStage = Callable[..., Stage]


@pytest.fixture
def seed() -> int:
    """Return FAULTS_SEED, or a new one."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) if given else SystemRandom().randrange(1, 1_000_000)


@pytest.fixture
def make_stage(make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path) -> Iterator[MakeStage]:
    """Return what sets a stage: ``make_stage(nodes=3, policy=Policy(copies=3))``; its brokers: `stage.kafka`."""
    with ExitStack() as ends:

        def make(nodes: int = 1, policy: Policy | None = None) -> Stage:
            return ends.enter_context(Stage(tmp_path / "stage", seed, make_kafka(nodes), policy))

        yield make


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """Set the stage on one node of Apache Kafka."""
    return make_stage()

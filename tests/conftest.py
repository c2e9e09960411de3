"""What every test may lean on: `need`, which skips on a user's machine what CI must never skip; and Apache Kafka."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings
from moto.server import ThreadedMotoServer

from tests.kafka.cluster import Cluster
from tests.kafka.jars import why_not

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell leaves it to what it runs in the background, and to all children of that: tests send it, and are heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("house", deadline=None)  # a slow machine is no fault of the code
settings.load_profile("house")

Need = Callable[[bool, str], None]
"""``need(condition, reason)``: go on if the condition holds."""


def in_ci() -> bool:
    """Return whether a missing part is a fault here, and not somebody's choice."""
    return os.environ.get("CI", "") not in {"", "0", "false"}


def _need(condition: bool, reason: str) -> None:
    """Skip with *reason* where a part is missing; in CI fail, for there a skipped test is a lost one."""
    if not condition:
        missing(reason)


def missing(reason: str) -> NoReturn:
    """Skip with *reason*; in CI fail."""
    if in_ci():
        pytest.fail(f"missing in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need() -> Need:
    """Return `need(condition, reason)`."""
    return _need


@pytest.fixture(scope="session")
def kafka(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run one node of Apache Kafka for all tests that only need a broker; who ends or fills it makes one's own."""
    need_kafka(need)
    with Cluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture
def make_kafka(need: Need, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Return what starts clusters for one test: ``make_kafka(nodes=3, config={...})``."""
    need_kafka(need)
    with ExitStack() as running:
        made: list[Cluster] = []

        def make(nodes: int = 1, config: dict[str, str] | None = None) -> Cluster:
            made.append(Cluster(tmp_path / f"kafka-{len(made)}", nodes, config))
            return running.enter_context(made[-1])

        yield make


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Run moto, somebody else's reading of AWS's APIs, and return where all of them are; its state is everybody's."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def need_kafka(need: Need) -> None:
    """Skip, or fail in CI, where Apache Kafka cannot run."""
    missing = why_not()
    need(not missing, f"no Apache Kafka: {missing}")

"""One line for all tests that leave it alive."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.foreign.line import Line
from tests.kafka.cluster import Cluster
from tests.schemas.registry_twin import Twin, running

FIRST_ID = 101


@pytest.fixture(scope="module")
def line(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Run a worker that reads sends and feedback."""
    with ExitStack() as ends:
        twin = ends.enter_context(running(Twin(FIRST_ID)))
        made = _line(kafka, twin, tmp_path_factory.mktemp("line"))
        ends.callback(made.close)
        made.take_any_time("sends")
        made.worker.start()
        yield made


@pytest.fixture
def make_line(kafka: Cluster, tmp_path: Path) -> Iterator[Callable[..., Line]]:
    """Return what makes a line of a test's own, whose worker the test starts: ``make_line(DISPATCH__RATE=5)``."""
    with ExitStack() as ends:

        def make(**settings: object) -> Line:
            made = _line(kafka, ends.enter_context(running(Twin(FIRST_ID))), tmp_path, **settings)
            ends.callback(made.close)
            return made

        yield make


def _line(kafka: Cluster, twin: Twin, home: Path, **settings: object) -> Line:
    return Line(kafka.brokers, twin, home, f"f{uuid.uuid4().hex[:8]}.", **settings)

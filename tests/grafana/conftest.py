"""One demo run under a real Prometheus, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grafana.observed import Observed, observed
from tests.prometheus.tools import prometheus

MESSAGES, REQUESTS = 3_000, 300
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have all tests that look at the run (`--dist loadgroup`): it takes a minute to play."""
    for item in items:
        if item.path.is_relative_to(HERE) and "seen" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("the demo under Prometheus"))


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Play it once."""
    with observed(prometheus(), tmp_path_factory.mktemp("prometheus"), MESSAGES, REQUESTS) as run:
        yield run

"""One demo run under a real Prometheus, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.grafana.observed import Observed, observed
from tests.prometheus.tools import prometheus

MESSAGES, REQUESTS = 3_000, 300


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """Play it once."""
    with observed(prometheus(), tmp_path_factory.mktemp("prometheus"), MESSAGES, REQUESTS) as run:
        yield run

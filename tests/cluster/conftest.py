"""One control plane for all of the room's tests, and its node for those that run something."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cluster.definitions import definitions
from tests.cluster.kubelet import Kubelet
from tests.cluster.network import Network
from tests.cluster.plane import ControlPlane
from tests.cluster.programs import NoCluster, built
from tests.cluster.release import Installed
from tests.conftest import missing
from tests.kafka.cluster import Cluster

collect_ignore_glob = [] if find_spec("helm_python") else ["test_*.py"]  # as tests/chart
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process have them all (`--dist loadgroup`)."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("a cluster"))


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """Hold a network on loopback."""
    with Network() as held:
        yield held


@pytest.fixture(scope="session")
def plane(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a control plane that knows all custom resources."""
    try:
        programs, custom = built(), list(definitions())
    except NoCluster as why:
        missing(str(why))
    with ControlPlane(tmp_path_factory.mktemp("cluster"), programs, network) as running:
        running.define(custom)
        yield running


@pytest.fixture(scope="session")
def kubelet(plane: ControlPlane, network: Network) -> Iterator[Kubelet]:
    """Run the node."""
    with Kubelet(plane.api, network, plane.home / "node", plane.certificates) as joined:
        yield joined


@pytest.fixture
def installed(plane: ControlPlane, kafka: Cluster, kubelet: Kubelet, tmp_path: Path) -> Iterator[Installed]:
    """Return what installs a release; it goes with the test."""
    install = Installed(plane, kafka, tmp_path)
    yield install
    install.gone()

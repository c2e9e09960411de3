"""A release as tests install it: workers that watch, on the tests' own brokers, in a namespace that is restricted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chart.made import CHART
from tests.cluster.helm import Helm
from tests.cluster.plane import ControlPlane
from tests.kafka.cluster import Cluster

WAIT = ("--wait", "--timeout=5m")
PARTITIONS = 6


class Installed:
    """Install a release: ``installed("ways", workers=3)`` in the namespace *ways*, with topics that begin so."""

    def __init__(self, plane: ControlPlane, kafka: Cluster, home: Path) -> None:
        self._plane, self._kafka, self._home = plane, kafka, home
        self._made: list[Helm] = []

    def __call__(
        self,
        name: str,
        workers: int,
        chart: str | Path = CHART,
        values: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Helm:
        """Return Helm there; *values* go over those of the test, *settings* over its settings."""
        own = {
            "brokers": self._kafka.brokers,
            "partitions": PARTITIONS,
            "replication": 1,
            "topic_prefix": f"{name}.",
            "group": name,
        }
        whole = {
            "settings": own | settings,
            "worker": {"replicas": workers, "minReadySeconds": 2},
            "jobs": {"backoffLimit": 0},
        }
        helm = Helm(self._plane, self._plane.namespace(name, restricted=True), self._home)
        self._made.append(helm)
        helm("install", "mail", str(chart), helm.values("values", whole | dict(values or {})), *WAIT)
        return helm

    def gone(self) -> None:
        """Uninstall what is still there: its workers would take the next test's time."""
        for helm in self._made:
            helm("uninstall", "mail", "--ignore-not-found")


def reused(change: str) -> tuple[str, ...]:
    """Return the words of an upgrade that changes one value."""
    return ("--reuse-values", f"--set={change}", *WAIT)

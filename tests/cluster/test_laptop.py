"""What docs/helm.md says of a laptop, done: install, look, `helm test`, uninstall, with Apache Kafka from its jars."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart.made import CHART
from tests.cluster.helm import Helm
from tests.cluster.kubelet import Kubelet
from tests.cluster.looking import asked, left, until
from tests.cluster.plane import ControlPlane
from tests.conftest import Need, need_kafka

pytestmark = [pytest.mark.chart, pytest.mark.timeout(3600)]
VALUES = f"--values={CHART / 'ci/laptop-values.yaml'}"


def test_the_laptops_release_is_installed_sends_its_test_mail_and_goes(
    need: Need, plane: ControlPlane, kubelet: Kubelet, tmp_path: Path
) -> None:
    need_kafka(need)
    namespace = plane.namespace("laptop", restricted=True)
    helm = Helm(plane, namespace, tmp_path)
    helm("install", "mail", str(CHART), VALUES, "--wait", "--timeout=5m")
    assert "roll out complete" in helm.kubectl("rollout", "status", "statefulset/mail-ses-streams-worker")
    assert asked(plane.api, namespace, "mail-ses-streams", "/health/ready")["ready"] is True
    said = helm("test", "mail", "--logs")
    assert "Phase:          Succeeded" in said
    assert "DELIVERED" in said
    helm("uninstall", "mail", "--wait")
    until(lambda: left(plane.api, namespace) == [], "the release has left something")
    assert [one for one in kubelet.seen_in(namespace) if "killed" in one.what] == []

"""Upgrades while mail flows, by the controllers of a StatefulSet and a Deployment as they are: nothing is lost."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.made import CHART
from tests.chart.rendering import changed_chart
from tests.cluster.kubelet import Kubelet
from tests.cluster.looking import disorder, pods, until
from tests.cluster.network import here
from tests.cluster.plane import ControlPlane
from tests.cluster.release import Installed, reused
from tests.faults.stage import Stage
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.chart, pytest.mark.timeout(3600)]
WORKERS, RATE, SEED = 3, 150, 8


def test_workers_are_upgraded_while_mail_flows_and_nothing_is_lost(
    installed: Installed, kubelet: Kubelet, kafka: Cluster, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", SEED, kafka) as stage:
        helm = installed(name := "rolling", WORKERS, **_tree(stage))
        before = len(kubelet.seen_in(name, "worker"))
        with stage.traffic(rate=RATE):
            helm("upgrade", "mail", str(CHART), *reused("settings.engine.stall_seconds=90"))
        assert list(disorder(kubelet.seen_in(name, "worker")[before:], WORKERS)) == []
        assert stage.settle()
        helm("uninstall", "mail", "--wait")
        verdict = stage.verdict()
        assert verdict.total("sent") > RATE
        assert verdict.clean, verdict.words()


def test_an_intake_is_upgraded_and_no_post_finds_the_door_shut(
    installed: Installed, plane: ControlPlane, tmp_path: Path
) -> None:
    assert _shut(installed, plane, "doors", str(CHART)) == 0


def test_an_intake_that_stops_at_once_is_seen(installed: Installed, plane: ControlPlane, tmp_path: Path) -> None:
    says = "preStop: {sleep: {seconds: {{ .Values.intake.drainSeconds }}}}"
    hasty = changed_chart(tmp_path, "templates/intake.yaml", says, "{}")
    assert _shut(installed, plane, "hasty-doors", str(hasty)) > 0


def _shut(installed: Installed, plane: ControlPlane, name: str, chart: str) -> int:
    """Upgrade an intake, and return how many posts meanwhile were not answered."""
    intake = {"enabled": True, "replicas": 1}
    sns = {"sns": {"topics": ["arn:aws:sns:eu-west-1:123456789012:mail-events"]}}
    helm = installed(name, 1, chart, {"intake": intake}, intake=sns)
    service = plane.api.ask("GET", f"/api/v1/namespaces/{name}/services/mail-ses-streams-intake")["spec"]
    place = (here(service["clusterIP"]), next(one["port"] for one in service["ports"] if one["name"] == "posts"))
    over = threading.Event()
    answers: list[bool] = []

    def post() -> None:
        while not over.wait(0.01):
            answers.append(_answered(place))

    poster = threading.Thread(target=post)
    poster.start()
    try:
        helm("upgrade", "mail", chart, *reused("settings.engine.stall_seconds=90"))
        until(lambda: len(pods(plane.api, name, "intake")) == 1, "the old intake stays")
    finally:
        over.set()
        poster.join()
    assert len(answers) > 100
    return answers.count(False)


def _answered(place: tuple[str, int]) -> bool:
    """Post something that SNS never would; any answer will do."""
    try:
        with socket.create_connection(place, timeout=10) as door:
            door.sendall(b"POST /sns HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            return door.recv(12).startswith(b"HTTP/1.1 4")
    except OSError:
        return False


def _tree(stage: Stage) -> dict[str, Any]:
    """Return a stage's settings as the chart's."""
    found: dict[str, Any] = {}
    said = stage.setting.variables(stage.broker.address, stage.prefix, stage.group, "")
    for name, value in said.items():
        word, _, inner = name.removeprefix("SES_STREAMS_").lower().partition("__")
        if word not in {"brokers", "web"}:  # of the release, and of the chart
            place = found.setdefault(word, {}) if inner else found
            place[inner or word] = yaml.safe_load(value)
    return found

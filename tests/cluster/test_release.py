"""The ways of a release, on an API server and with the controllers as they are: install, upgrade, rollback, uninstall.

Workers, Jobs and tests run as processes (kubelet.py); the brokers are Apache Kafka's, outside of the cluster.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.chart.made import CHART
from tests.chart.rendering import changed_chart
from tests.cluster.api import MERGE
from tests.cluster.helm import Helm
from tests.cluster.kubelet import Kubelet, Seen
from tests.cluster.looking import asked, disorder, left, pods, until
from tests.cluster.plane import ControlPlane
from tests.cluster.release import PARTITIONS, WAIT, Installed, reused
from tests.kafka.cluster import Cluster
from tests.schemas.registry_twin import Twin, running

pytestmark = [pytest.mark.chart, pytest.mark.timeout(3600)]
WORKERS, STALL = 3, "settings.engine.stall_seconds=90"


def test_a_release_is_installed_upgraded_rolled_back_and_uninstalled(
    installed: Installed, plane: ControlPlane, kubelet: Kubelet, kafka: Cluster, tmp_path: Path
) -> None:
    packing = Helm(plane, "default", tmp_path)
    older, newer = packing.package(CHART, "0.1.0"), packing.package(CHART, "0.2.0")
    helm = installed(name := "ways", WORKERS, older)
    begun = [(one.pod, one.what) for one in kubelet.seen_in(name) if one.what in {"Succeeded", "started"}]
    assert [what for pod, what in begun if "topics" in pod] == ["started", "Succeeded"]
    assert ["topics" in pod for pod, _ in begun] == [True, True, *[False] * WORKERS]
    assert _partitions(kafka, f"{name}.sends") == PARTITIONS
    first, claims = pods(plane.api, name), _claims(plane, name)
    assert "has made their outcome" in helm("test", "mail", "--logs")

    assert _moved(kubelet, name, lambda: helm("upgrade", "mail", newer, *reused(STALL))) == []
    second = pods(plane.api, name)
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())
    assert asked(plane.api, name, "mail-ses-streams", "/health/ready")["ready"] is True
    assert "has made their outcome" in helm("test", "mail", "--logs")

    assert _moved(kubelet, name, lambda: helm("rollback", "mail", "1", *WAIT)) == []
    assert _stall(plane, name) == "120"
    assert [one["status"] for one in _history(helm)] == ["superseded", "superseded", "deployed"]

    before = len(kubelet.seen_in(name))
    helm("upgrade", "mail", older, *reused("worker.replicas=2"))
    until(lambda: len(pods(plane.api, name)) == 2, "the third stays")
    stopped = [one.pod for one in kubelet.seen_in(name)[before:] if one.what == "stopping" and "worker" in one.pod]
    assert stopped == ["mail-ses-streams-worker-2"]

    helm("uninstall", "mail", "--wait")
    kept = [f"persistentvolumeclaims/data-mail-ses-streams-worker-{number}" for number in range(WORKERS)]
    until(lambda: left(plane.api, name) == kept, "more is left than volumes")
    assert _claims(plane, name) == claims


def test_a_hook_that_fails_stops_an_upgrade_and_nothing_is_touched(
    installed: Installed, plane: ControlPlane, kubelet: Kubelet
) -> None:
    helm = installed(name := "stops", workers=1)
    before = pods(plane.api, name)
    guarded = helm.refuses("upgrade", "mail", str(CHART), *reused("settings.partitions=12"))
    assert "settings.partitions is 6 with the workers that are there, and would be 12" in guarded
    other = (*reused("settings.partitions=12"), "--set=guard.upgrades=false")
    stopped = helm.refuses("upgrade", "mail", str(CHART), *other)
    assert "pre-upgrade hooks failed" in stopped
    assert [one["status"] for one in _history(helm)] == ["deployed", "failed"]
    assert pods(plane.api, name) == before
    assert asked(plane.api, name, "mail-ses-streams", "/health/ready")["ready"] is True
    words = helm.kubectl("logs", "job/mail-ses-streams-topics")
    assert "found partitions=6, planned partitions=12" in words
    helm("upgrade", "mail", str(CHART), *reused(STALL))
    assert _stall(plane, name) == "90"


@pytest.mark.parametrize(
    ("part", "kind", "change"),
    [
        ("worker", "statefulsets", "worker.autoscaling.by=keda"),
        ("intake", "deployments", "intake.autoscaling.enabled=true"),
    ],
)
def test_as_many_stay_as_there_are_when_an_autoscaler_takes_over(
    part: str, kind: str, change: str, installed: Installed, plane: ControlPlane
) -> None:
    sns = {"topics": ["arn:aws:sns:eu-west-1:123456789012:mail-events"]}
    intake = {"enabled": part == "intake", "replicas": 3}
    helm = installed(
        name := f"scaled-{part}", 3 if part == "worker" else 1, values={"intake": intake}, intake={"sns": sns}
    )
    before = pods(plane.api, name, part)
    path = f"/apis/apps/v1/namespaces/{name}/{kind}/mail-ses-streams-{part}"
    for replicas in (3, 4):
        plane.api.ask("PATCH", f"{path}/scale", {"spec": {"replicas": replicas}}, MERGE)  # as an autoscaler does it
        helm("upgrade", "mail", str(CHART), *reused(change))
        assert plane.api.ask("GET", path)["spec"]["replicas"] == replicas
    assert pods(plane.api, name, part).items() > before.items()


def test_schemas_are_registered_before_the_first_worker_starts(installed: Installed, kubelet: Kubelet) -> None:
    with running(Twin(first_id=101)) as twin:
        installed(name := "schemas", workers=1, schema_registry={"url": twin.url})
        assert f"{name}.sends-value" in twin.subjects
        done = [one for one in kubelet.seen_in(name) if one.what == ("ready" if "worker" in one.pod else "Succeeded")]
        assert [one.pod.split("-")[3] for one in done] == ["topics", "schemas", "worker"]


def test_a_worker_that_does_not_stop_in_time_is_seen(installed: Installed, kubelet: Kubelet, tmp_path: Path) -> None:
    says = "{{ .Values.worker.terminationGracePeriodSeconds }}"
    hasty = changed_chart(tmp_path, "templates/worker.yaml", says, "2")
    helm = installed(name := "hasty", 1, str(hasty))
    frozen = kubelet.of(name, "mail-ses-streams-worker-0")
    assert frozen is not None
    frozen.signal(signal.SIGSTOP)
    found = _moved(kubelet, name, lambda: helm("upgrade", "mail", str(hasty), *reused(STALL)), 1)
    assert found == ["0 was not given the time to stop"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (["2 stopping", "2 ready", "0 stopping", "0 ready", "1 stopping", "1 ready"], "stopped in the order"),
        (["2 stopping", "1 stopping", "2 ready", "1 ready", "0 stopping", "0 ready"], "1 stopped while 2 was"),
        (["2 stopping", "2 ready", "1 stopping", "1 ready"], "stopped in the order"),
        (["2 stopping", "2 worker was killed", "2 ready", "1 stopping", "1 ready", "0 stopping"], "not given the time"),
    ],
)
def test_an_upgrade_out_of_order_is_seen(what: list[str], said: str) -> None:
    seen = [Seen("post", f"worker-{number}", then) for number, _, then in (one.partition(" ") for one in what)]
    assert any(said in one for one in disorder(seen, WORKERS))


def _moved(kubelet: Kubelet, namespace: str, change: Callable[[], object], workers: int = WORKERS) -> list[str]:
    """Do it, and return what was out of order among the workers."""
    before = len(kubelet.seen_in(namespace, "worker"))
    change()
    return list(disorder(kubelet.seen_in(namespace, "worker")[before:], workers))


def _claims(plane: ControlPlane, namespace: str) -> dict[str, str]:
    found = plane.api.list(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in found}


def _stall(plane: ControlPlane, namespace: str) -> str:
    """Return what the workers that are there have been told."""
    found = plane.api.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector="app.kubernetes.io/component=worker")
    name = "SES_STREAMS_ENGINE__STALL_SECONDS"
    said = {env["value"] for one in found for env in one["spec"]["containers"][0]["env"] if env["name"] == name}
    assert len(said) == 1
    return str(said.pop())


def _history(helm: Helm) -> list[dict[str, Any]]:
    return list(json.loads(helm("history", "mail", "--output=json")))


def _partitions(kafka: Cluster, topic: str) -> int:
    return len(
        AdminClient({"bootstrap.servers": kafka.brokers}).list_topics(topic, timeout=10).topics[topic].partitions
    )

"""A real API server takes every manifest of every example: by server-side apply, no field unknown, none lost.

Kinds that operators bring are held against the definitions of their projects; pods against Pod Security "restricted".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chart.rendering import Object, Rendered, changed_chart, ci_values, name_of, render
from tests.chart.test_kubernetes import CI, UNKNOWN_FIELDS
from tests.cluster.api import Refused
from tests.cluster.plane import ControlPlane

pytestmark = [pytest.mark.chart, pytest.mark.timeout(3600)]
PRIORITY = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "important"},
    "value": 1,
}


@pytest.mark.parametrize("name", CI)
def test_server_side_apply_takes_every_object_and_keeps_every_field(name: str, plane: ControlPlane) -> None:
    namespace = plane.namespace(f"objects-{name}")
    made = render(ci_values(name))
    assert list(_faults(plane, made, namespace, dry=True)) == []
    assert list(_faults(plane, made, namespace, dry=False)) == []


@pytest.mark.parametrize("name", CI)
def test_a_namespace_that_is_restricted_takes_every_pod(name: str, plane: ControlPlane) -> None:
    assert list(_refused(plane, render(ci_values(name)), f"pods-{name}")) == []


@pytest.mark.parametrize(("file", "says", "instead"), UNKNOWN_FIELDS)
def test_a_field_that_nobody_knows_is_refused(
    file: str, says: str, instead: str, plane: ControlPlane, tmp_path: Path
) -> None:
    broken = render(ci_values("production"), changed_chart(tmp_path, file, says, instead))
    namespace = "unknown-fields"
    if plane.api.find(f"/api/v1/namespaces/{namespace}") is None:
        plane.namespace(namespace)
    found = list(_faults(plane, broken, namespace, dry=True))
    assert found != []
    assert [fault for fault in found if instead.partition(":")[0] not in fault] == []


@pytest.mark.parametrize(
    ("name", "says", "instead"),
    [
        ("gains", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"),
        ("root", "runAsNonRoot: true", "runAsNonRoot: false"),
        ("privileged", "capabilities: {drop: [ALL]}", "privileged: true"),
        ("unconfined", "seccompProfile: {type: RuntimeDefault}", "seccompProfile: {type: Unconfined}"),
        ("host", "emptyDir: {}", "hostPath: {path: /tmp}"),
    ],
)
def test_a_pod_that_leaves_the_restrictions_is_refused(
    name: str, says: str, instead: str, plane: ControlPlane, tmp_path: Path
) -> None:
    broken = render(ci_values("observing"), changed_chart(tmp_path, "templates/_pod.tpl", says, instead))
    assert len(list(_refused(plane, broken, f"broken-{name}"))) == len(list(broken.pods()))


def test_a_field_that_the_server_does_not_keep_is_seen() -> None:
    assert list(_lost({"spec": {"ports": [{"port": 1, "name": "a"}]}}, {"spec": {"ports": [{"port": 1}]}}, "")) == [
        ".spec.ports[0].name"
    ]


def _faults(plane: ControlPlane, made: Rendered, namespace: str, *, dry: bool) -> Iterator[str]:
    """Yield each object that the server refuses, and each field that it does not keep."""
    _before(plane, made, namespace)
    for one in made.objects:
        wanted = one | {"metadata": one["metadata"] | {"namespace": namespace}}
        try:
            kept = plane.api.apply(wanted, namespace, dry=dry)
        except Refused as refused:
            yield f"{name_of(one)}: {refused}"
        else:
            yield from _lost(wanted, kept, name_of(one))


def _refused(plane: ControlPlane, made: Rendered, name: str) -> Iterator[str]:
    """Yield each pod that a restricted namespace does not take."""
    namespace = plane.namespace(name, restricted=True)
    _before(plane, made, namespace)
    for pod in made.pods():
        spec: Object = {"restartPolicy": "Always"} | pod.spec
        spec["volumes"] = [*spec.get("volumes", []), *_claims(pod.owner)]
        body: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "one", "labels": dict(pod.labels)},
            "spec": spec,
        }
        try:
            plane.api.apply(body, namespace, dry=True)
        except Refused as refused:
            yield f"{pod.name}: {refused}"


def _before(plane: ControlPlane, made: Rendered, namespace: str) -> None:
    """Make what no pod is taken without: the accounts that they run as, which a dry run does not make, and a class."""
    plane.api.apply(PRIORITY, "")
    for name in {pod.spec.get("serviceAccountName", "default") for pod in made.pods()}:
        plane.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}, namespace)


def _claims(owner: Object) -> list[Object]:
    """Return the volumes that a StatefulSet's controller would add."""
    claims = owner["spec"].get("volumeClaimTemplates", [])
    return [
        {"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": one["metadata"]["name"]}}
        for one in claims
    ]


def _lost(said: Any, kept: Any, where: str) -> Iterator[str]:
    """Yield what was said and is not kept."""
    if isinstance(said, dict) and isinstance(kept, dict):
        for word, value in said.items():
            if value not in (None, {}, [], ""):
                yield from _lost(value, kept.get(word), f"{where}.{word}")
    elif isinstance(said, list) and isinstance(kept, list) and len(said) <= len(kept):
        for number, (value, there) in enumerate(zip(said, kept, strict=False)):  # admission adds some, at the end
            yield from _lost(value, there, f"{where}[{number}]")
    elif said != kept:
        yield where

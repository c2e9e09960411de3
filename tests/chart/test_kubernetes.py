"""Every manifest is what the API servers of three Kubernetes versions take, unknown fields refused.

Kinds that operators bring (Prometheus, KEDA, the Gateway API) are held against crds.yaml: the fields that the chart
says, as their custom resources define them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from hypothesis import given, settings

from tests.chart.rendering import Object, changed_chart, ci_values, name_of, render
from tests.chart.strategies import some_values

pytestmark = pytest.mark.chart
VERSIONS = ("1.31", "1.34", "1.37")
CI = ("observing", "laptop", "production", "hpa")
CRDS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "crds.yaml").read_text(encoding="utf-8"))

UNKNOWN_FIELDS = [
    ("templates/worker.yaml", "podManagementPolicy", "podManagmentPolicy"),
    (
        "templates/disruption.yaml",
        "unhealthyPodEvictionPolicy: AlwaysAllow",
        "unhealthyPodEvictionPolicy: [Always]",
    ),
    ("templates/scaling.yaml", "cooldownPeriod: 600", "coolDownPeriod: 600"),
    ("templates/scaling.yaml", "lagThreshold: {{ $worker.autoscaling.lag | int64 | quote }}", "lagThreshold: 5"),
    ("templates/monitoring.yaml", "path: /metrics", "paths: /metrics"),
    ("templates/ways-in.yaml", "backendRefs:", "backends:"),
]
"""Charts that say what nobody knows: where, instead of what."""


def faults(one: Object, version: str) -> list[str]:
    """Return what is wrong with one object."""
    custom = f"{one['apiVersion']}/{one['kind']}"
    try:
        if custom in CRDS:
            jsonschema.validate(one, _closed(CRDS[custom]))
        else:
            kubernetes_validate.validate(one, version, strict=True)
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as wrong:
        return [f"{name_of(one)}: {wrong.message}"]
    return []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CI)
def test_kubernetes_takes_the_examples(name: str, version: str) -> None:
    assert [fault for one in render(ci_values(name)).objects for fault in faults(one, version)] == []


@given(some_values())
@settings(max_examples=30)
def test_kubernetes_takes_whatever_is_said(values: dict[str, Any]) -> None:
    assert [fault for one in render(values).objects for fault in faults(one, VERSIONS[-1])] == []


@pytest.mark.parametrize(("file", "says", "instead"), UNKNOWN_FIELDS)
def test_a_field_that_nobody_knows_is_seen(file: str, says: str, instead: str, tmp_path: Path) -> None:
    broken = render(ci_values("production"), changed_chart(tmp_path, file, says, instead))
    assert [fault for one in broken.objects for fault in faults(one, VERSIONS[0])] != []


def _closed(node: Any) -> Any:
    """Return a schema in which every object takes only the properties that it names."""
    if isinstance(node, dict):
        inner = {word: _closed(value) for word, value in node.items()}
        return {"additionalProperties": False, **inner} if isinstance(node.get("properties"), dict) else inner
    return [_closed(one) for one in node] if isinstance(node, list) else node

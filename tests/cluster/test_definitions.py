"""tests/chart/crds.yaml, which is read where there is no Go, says of operators' kinds nothing that they do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.test_kubernetes import CRDS
from tests.cluster.definitions import definitions
from tests.cluster.plane import ControlPlane

pytestmark = [pytest.mark.chart, pytest.mark.timeout(3600)]


def test_what_is_kept_by_hand_is_what_operators_define(plane: ControlPlane) -> None:
    theirs = {kind: schema for one in definitions() for kind, schema in _schemas(one)}
    assert CRDS.keys() <= theirs.keys()
    assert [fault for kind, ours in CRDS.items() for fault in _strange(ours, theirs[kind], kind)] == []


@pytest.mark.parametrize(
    "ours",
    [
        {"properties": {"spec": {"properties": {"period": {"type": "string"}}}}},
        {"properties": {"spec": {"properties": {"interval": {"type": "integer"}}}}},
        {"properties": {"spec": {"properties": {"hosts": {"type": "array", "items": {"type": "object"}}}}}},
    ],
)
def test_a_word_that_operators_do_not_know_is_seen(ours: dict[str, Any]) -> None:
    words = {"interval": {"type": "string"}, "hosts": {"type": "array", "items": {"type": "string"}}}
    assert list(_strange(ours, {"properties": {"spec": {"properties": words}}}, "")) != []


def _schemas(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    spec = definition["spec"]
    for version in spec["versions"]:
        yield f"{spec['group']}/{version['name']}/{spec['names']['kind']}", version["schema"]["openAPIV3Schema"]


def _strange(ours: Any, theirs: dict[str, Any], where: str) -> Iterator[str]:
    """Yield what our schema knows and theirs does not, and what they type otherwise."""
    if theirs.get("x-kubernetes-int-or-string"):
        return
    if {"type"} <= ours.keys() & theirs.keys() and ours["type"] != theirs["type"]:
        yield f"{where}: {ours['type']}, and not {theirs['type']}"
    for word, inner in ours.get("properties", {}).items():
        if word in {"apiVersion", "kind", "metadata"}:
            continue
        if word not in theirs.get("properties", {}):
            yield f"{where}.{word}"
        else:
            yield from _strange(inner, theirs["properties"][word], f"{where}.{word}")
    if "items" in ours and "items" in theirs:
        yield from _strange(ours["items"], theirs["items"], f"{where}[]")

"""An upgrade that would part keys from their state is refused, by the workers that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import helm_python
import pytest

from tests.chart.rendering import Object, changed_chart, ci_values, render

pytestmark = pytest.mark.chart


def test_an_upgrade_that_changes_nothing_of_the_kind_passes(tmp_path: Path) -> None:
    found = _there()
    assert _upgrade(tmp_path, found, {"worker": {"replicas": 5}}) is None


@pytest.mark.parametrize(
    ("word", "value"), [("partitions", 48), ("partitions", 12), ("group", "other"), ("topic_prefix", "mail.")]
)
def test_other_partitions_groups_and_prefixes_are_refused(word: str, value: object, tmp_path: Path) -> None:
    refused = _upgrade(tmp_path, _there(), {"settings": {"brokers": "kafka:9092", word: value}})
    assert refused is not None
    assert f"settings.{word} is" in refused
    assert f"would be {value}" in refused


def test_who_begins_anew_may_say_so(tmp_path: Path) -> None:
    values = {"settings": {"brokers": "kafka:9092", "partitions": 48}, "guard": {"upgrades": False}}
    assert _upgrade(tmp_path, _there(), values) is None


def test_another_size_of_volumes_is_refused_with_the_way_out(tmp_path: Path) -> None:
    refused = _upgrade(tmp_path, _there(), {"worker": {"volume": {"size": "40Gi"}}})
    assert refused is not None
    assert "kubectl delete statefulset mail-ses-streams-worker --cascade=orphan" in refused


def _there() -> Object:
    """Return the workers as they were installed."""
    return render(ci_values("observing")).of("StatefulSet")[0]


def _upgrade(tmp_path: Path, found: Object, values: dict[str, Any]) -> str | None:
    """Render as if lookup had found these workers; return why it was refused, if it was."""
    lookup = '(lookup "apps/v1" "StatefulSet" .Release.Namespace $name)'
    chart = changed_chart(tmp_path, "templates/_guard.tpl", lookup, f"({json.dumps(json.dumps(found))} | fromJson)")
    try:
        render(ci_values("observing") | values, chart)
    except helm_python.HelmError as refused:
        return str(refused)
    return None

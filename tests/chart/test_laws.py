"""The laws of tests/chart/invariants.py over values that anybody could have written, and over broken charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from tests.chart.invariants import LAWS
from tests.chart.made import CHART
from tests.chart.rendering import changed_chart, ci_values, render
from tests.chart.strategies import some_values

pytestmark = pytest.mark.chart
CI = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))

MUTATIONS: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "mutations.yaml").read_text(encoding="utf-8"))
"""Charts that are broken on purpose, and the law that must see each."""


@pytest.mark.parametrize("name", CI)
@pytest.mark.parametrize("law", LAWS)
def test_the_examples_keep_the_laws(law: str, name: str) -> None:
    assert list(LAWS[law](render(ci_values(name)))) == []


@given(some_values())
@settings(max_examples=60)
def test_whatever_is_said_keeps_the_laws(values: dict[str, Any]) -> None:
    made = render(values)
    assert {name: found for name, law in LAWS.items() if (found := list(law(made)))} == {}


@pytest.mark.parametrize("fault", MUTATIONS, ids=lambda fault: f"{fault['law']}: {fault['instead'][:40]}")
def test_a_law_sees_the_chart_that_breaks_it(fault: dict[str, str], tmp_path: Path) -> None:
    chart = changed_chart(tmp_path, fault["file"], fault["says"], fault["instead"])
    broken = render(ci_values(fault["values"]), chart)
    assert list(LAWS[fault["law"]](broken)) != []


def test_every_law_is_seen_to_fail() -> None:
    assert {fault["law"] for fault in MUTATIONS} == set(LAWS)

"""What in deploy/helm is made from something else is as it would be made now; no Helm is needed for that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from streams import __version__
from streams.settings import known
from tests.chart.made import CHART, copies, made
from tests.chart.readme import rows
from tests.chart.values_schema import THE_CHART_SAYS

MADE = made()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.relative_to(CHART).as_posix())
def test_a_made_file_is_as_it_would_be_made_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == MADE[path], "make docs"


def test_no_copy_outlives_what_it_is_a_copy_of() -> None:
    assert copies() <= set(MADE)


def test_the_chart_is_of_this_version() -> None:
    chart = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    assert f'appVersion: "{__version__}"' in chart
    assert f"image: ses-streams:{__version__}\n" in chart


def test_every_setting_can_be_said_in_values_but_for_those_that_the_chart_says() -> None:
    schema = json.loads(MADE[CHART / "values.schema.json"])["properties"]
    plain, secret = (set(_leaves(schema[tree])) for tree in ("settings", "secrets"))
    assert plain == {each.name for each in known() if not each.secret} - THE_CHART_SAYS
    assert secret >= {each.name for each in known() if each.secret}


def test_nothing_but_settings_and_what_kubernetes_reads_is_open() -> None:
    """Where the schema says which words there are, it takes no others."""
    open_nodes = list(_open(json.loads(MADE[CHART / "values.schema.json"])))
    assert open_nodes == []


def test_every_word_of_values_has_its_comment_in_the_readme() -> None:
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    words = {line.split(":")[0] for line in values.splitlines() if re.match(r"[A-Za-z]+:", line)}
    assert words == {row.path[0] for row in rows(values)}
    assert all(row.about.endswith(".") for row in rows(values))


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for word, inner in node["properties"].items():
        here = f"{path}.{word}" if path else word
        if "properties" in inner and set(inner["properties"]) != {"name", "key"}:
            yield from _leaves(inner, here)
        else:
            yield here


def _open(node: Mapping[str, Any], path: str = "") -> Iterator[str]:
    if "properties" in node and node.get("additionalProperties") is not False:
        yield path
    for word, inner in node.get("properties", {}).items():
        yield from _open(inner, f"{path}.{word}")

"""Every query answers: a demo runs under a real Prometheus, and each panel is asked what Grafana would ask."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.grafana.observed import Observed
from tests.grafana.picture import draw
from tests.grafana.reading import asked, dashboards

BOARDS = dashboards()
EMPTY: Mapping[str, str] = {
    "deliverability: Stream by stream: C": "the time until review is there only while a ratio rises",
    "deliverability: Stream by stream: F": "as above",
    "loops: Turned away at the door: A": "a demo has no intake: its events are published, as a file's would be",
    "loops: Label values without a word of their own: A": "nothing in a demo is without a word",
    "pipeline: On a wrong partition, by topic: A": "a demo's producers place every record where it belongs",
    "pipeline: What came to the intake: A": "a demo has no intake",
    "pipeline: How old events are when they come in: A": "a demo has no intake",
    "suppression: Left of SES's 24-hour quota: A": "the simulated SES has no daily limit",
}
"""Queries that find nothing in a healthy demo of a minute, and why."""


def test_every_query_answers_but_those_that_have_their_reason(seen: Observed) -> None:
    mute = {
        str(one)
        for name, board in BOARDS.items()
        for one in asked(name, board)
        if not seen.answers(one.expr, at_once=one.instant)
    }
    assert mute - set(EMPTY) == set()


def test_every_reason_is_for_a_query_that_is_there() -> None:
    assert set(EMPTY) <= {str(one) for name, board in BOARDS.items() for one in asked(name, board)}


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_has_values_to_choose(name: str, seen: Observed) -> None:
    for variable in BOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            series, _, label = variable["query"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
            answer = seen.answers(f"count by ({label}) ({series})", at_once=True)
            assert [labels[label] for labels, _ in answer if labels.get(label)], variable["name"]


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_drawn(name: str, seen: Observed) -> None:
    picture = draw(BOARDS[name], seen.answers, (seen.start, seen.end))
    for panel in BOARDS[name]["panels"]:
        assert panel["title"].replace("'", "&#x27;") in picture

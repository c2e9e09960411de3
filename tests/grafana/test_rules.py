"""Every dashboard keeps every rule of rules.py, and every rule finds the dashboard that breaks it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from streams.observe.catalogue import METRICS
from tests.grafana import rules
from tests.grafana.promql import family, found_in
from tests.grafana.reading import ROOT, Dashboard, asked, dashboards, panels
from tests.grafana.rules import RULES, Rule

BOARDS = dashboards()
PIPELINE = "pipeline"
NOT_SHOWN: Mapping[str, str] = {
    "ses_reputation_line_ratio": "its four numbers are drawn as lines, from the catalogue's own table",
    "ses_chunk_timestamp_seconds": "benchmarks and the demo measure speed by it; to an operator it says nothing",
    "ses_calls_in_flight": "below a second old when it is read; the rate and the doubts say what it would say",
    "ses_intake_records_total": "what came to the intake, by road and result, says the same to an operator",
}
"""Metrics that stand on no dashboard, and why."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_keeps_a_rule(name: str, rule: Rule) -> None:
    assert list(rule(name, BOARDS[name])) == []


def _first(board: Dashboard) -> dict[str, Any]:
    first: dict[str, Any] = next(panel for panel in panels(board) if panel["type"] == "timeseries")
    return first


def _asks(expr: str, legend: str = "") -> Callable[[Dashboard], None]:
    def change(board: Dashboard) -> None:
        _first(board)["targets"] = [{**_first(board)["targets"][0], "expr": expr, "legendFormat": legend}]

    return change


def _at(*path: str | int, to: object) -> Callable[[Dashboard], None]:
    """Change one place of the first graph."""

    def change(board: Dashboard) -> None:
        place: Any = _first(board)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _of_board(key: str, to: object) -> Callable[[Dashboard], None]:
    return lambda board: board.update({key: to})


def _no_units_in_tables(board: Dashboard) -> None:
    table = next(panel for panel in panels(board) if panel["type"] == "table")
    table["fieldConfig"]["overrides"].pop()


def _one_variable_more(board: Dashboard) -> None:
    board["templating"]["list"].append({**board["templating"]["list"][-1], "name": "region"})


def _marks_of_somebody_else(board: Dashboard) -> None:
    board["annotations"]["list"][0]["datasource"] = {"type": "prometheus", "uid": "prod"}


def _a_row_that_asks_nothing(board: Dashboard) -> None:
    board["panels"][0]["title"] = "Workers"


RATED = "$__rate_interval"
BROKEN: tuple[tuple[Rule, Callable[[Dashboard], None]], ...] = (
    (rules.has_a_uid_for_ever, _of_board("uid", "made-by-hand")),
    (rules.has_a_uid_for_ever, _of_board("id", 12)),
    (rules.lets_one_choose_the_datasource, _at("datasource", "uid", to="PBFA97CFB590B2093")),
    (rules.lets_one_choose_the_datasource, _at("targets", 0, "datasource", to=None)),
    (rules.lets_one_choose_the_datasource, _marks_of_somebody_else),
    (rules.lets_one_choose_the_datasource, lambda board: board["templating"]["list"].pop(0)),
    (rules.uses_every_variable_and_no_other, _one_variable_more),
    (rules.uses_every_variable_and_no_other, _asks('ses_loops{job=~"$job", instance="$pod"}')),
    (rules.says_what_to_do, _at("description", to="Lag.")),
    (rules.says_what_to_do, _at("title", to="Records that wait")),
    (rules.says_what_to_do, _a_row_that_asks_nothing),
    (rules.has_units, _at("fieldConfig", "defaults", "unit", to="")),
    (rules.has_units, _no_units_in_tables),
    (rules.lies_on_the_grid, _at("gridPos", "w", to=20)),
    (rules.lies_on_the_grid, _at("gridPos", "y", to=0)),
    (rules.lies_on_the_grid, _at("id", to=1)),
    (rules.asks_what_can_be_parsed, _asks("sum(rate(ses_sends_total[5m])")),
    (rules.asks_what_can_be_parsed, _asks("rate(ses_sends_total)")),
    (rules.asks_for_metrics_of_the_catalogue, _asks("sum(ses_recipients)")),
    (rules.asks_for_metrics_of_the_catalogue, _asks('ses_loops{address="x"}')),
    (rules.asks_for_metrics_of_the_catalogue, _asks(f"sum by (address) (rate(ses_sends_total[{RATED}]))")),
    (rules.asks_for_metrics_of_the_catalogue, _asks(f'sum(rate(ses_outcomes_total{{kind="BOUNCED"}}[{RATED}]))')),
    (rules.asks_for_metrics_of_the_catalogue, _asks("sum by (le) (ses_loops)")),
    (rules.names_series_by_labels_that_are_left, _asks("sum by (topic) (ses_consumer_lag)", "{{partition}}")),
    (rules.looks_at_counters_by_their_growth, _asks("sum(ses_sends_total)")),
    (rules.looks_at_counters_by_their_growth, _asks("sum(rate(ses_sends_total[5m]))")),
    (rules.looks_at_counters_by_their_growth, _asks(f"rate(ses_loops[{RATED}])")),
    (rules.looks_at_counters_by_their_growth, _asks("predict_linear(ses_bounce_ratio[6h], 86400)")),
    (rules.names_commands_and_settings_that_are_there, _at("description", to="Call `ses-streams pauses lift STREAM`.")),
    (rules.names_commands_and_settings_that_are_there, _at("description", to="Set SES_STREAMS_SQS__POLLERS higher.")),
    (rules.leads_to_headings_that_are_there, _at("description", to="See [the rules](${docs}/no-such-page.md).")),
    (rules.leads_to_headings_that_are_there, _at("links", to=[{"url": "${docs}/rules.md#no-such-heading"}])),
)


@pytest.mark.parametrize(("rule", "breaking"), BROKEN, ids=[rule.__name__ for rule, _ in BROKEN])
def test_a_rule_finds_the_dashboard_that_breaks_it(rule: Rule, breaking: Callable[[Dashboard], None]) -> None:
    name = "deliverability" if breaking is _no_units_in_tables else PIPELINE
    board = copy.deepcopy(BOARDS[name])
    breaking(board)
    assert list(rule(name, board))


def test_every_rule_is_seen_to_find_something() -> None:
    assert {rule for rule, _ in BROKEN} == set(RULES)


def test_every_metric_stands_on_a_dashboard_or_has_its_reason() -> None:
    queries = [one.expr for name, board in BOARDS.items() for one in asked(name, board)]
    shown = {family(found.series) for query in queries for found in found_in(query)}
    assert set(METRICS) - shown == set(NOT_SHOWN)


def test_every_alert_is_named_where_its_reader_looks() -> None:
    alerts = re.findall(r"alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    said = " ".join(panel["description"] for board in BOARDS.values() for panel in panels(board))
    assert alerts
    assert [alert for alert in alerts if not re.search(rf"\b{alert}\b", said)] == []


def test_alerts_are_marked_in_the_graphs_by_their_names() -> None:
    alerts = re.findall(r"alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    for board in BOARDS.values():
        (mark,) = board["annotations"]["list"]
        (found,) = found_in(mark["expr"])
        assert found.series == "ALERTS"
        assert [alert for alert in alerts if not re.fullmatch(found.matched["alertname"], alert)] == []


def test_uids_and_titles_are_there_once() -> None:
    for key in ("uid", "title"):
        assert len({board[key] for board in BOARDS.values()}) == len(BOARDS)


def test_each_dashboard_links_to_the_others_by_their_tag() -> None:
    for board in BOARDS.values():
        (link,) = [link for link in board["links"] if link["type"] == "dashboards"]
        assert link["tags"] == board["tags"]
        assert link["includeVars"]
        assert link["keepTime"]

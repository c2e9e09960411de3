"""The rules in deploy/prometheus: well formed, naming only what there is, each alert proved to fire and to keep silent.

promtool's own tests (deploy/prometheus/tests) hold what fires when. Here they are run, and then run again with each
alert broken both ways: a test that does not notice is none.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli.metrics_page import QUESTIONS
from streams.topics import ROLES
from tests.prometheus.queries import ROOT, RULES, named, recorded, rules, unknown
from tests.prometheus.tools import promtool

ALERTS = {rule["alert"]: rule for rule in rules("alerts.yml")}
TESTS = sorted((RULES / "tests").glob("*.yml"))
RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")
ENTRIES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
SEVERITIES = {"critical", "warning", "info"}


def _promtool(*words: str | Path) -> tuple[int, str]:
    done = subprocess.run([promtool(), *words], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["recording.yml", "alerts.yml"])
def test_prometheus_reads_our_rules_and_has_nothing_to_say(name: str) -> None:
    code, said = _promtool("check", "rules", "--lint=all", "--lint-fatal", RULES / name)
    assert code == 0, said
    assert f"SUCCESS: {len(rules(name))} rules found" in said


def test_prometheus_reads_our_example_of_its_settings() -> None:
    code, said = _promtool("check", "config", RULES / "prometheus.yml")
    assert code == 0, said
    assert "2 rule files found" in said


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_do_what_they_should(path: Path) -> None:
    code, said = _promtool("test", "rules", path)
    assert code == 0, said


@pytest.mark.slow
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_that_never_fires_or_always_does_is_noticed(name: str, tmp_path: Path) -> None:
    shutil.copy(RULES / "recording.yml", tmp_path)
    (tmp_path / "tests").mkdir()
    about = tmp_path / "tests" / "about.yml"
    said = next(said for path in TESTS if name in _seen(said := yaml.safe_load(path.read_text("utf-8"))))
    cases = [case for case in said["tests"] if name in _seen({"tests": [case]})]
    about.write_text(yaml.safe_dump({**said, "tests": cases}), "utf-8")
    for expression in (ALERTS[name]["expr"], "vector(0) > 1", "vector(1)"):
        changed = yaml.safe_load((RULES / "alerts.yml").read_text("utf-8"))
        (rule,) = (rule for group in changed["groups"] for rule in group["rules"] if rule["alert"] == name)
        rule["expr"] = expression
        (tmp_path / "alerts.yml").write_text(yaml.safe_dump(changed), "utf-8")
        code, words = _promtool("test", "rules", about)
        assert code == (0 if expression == ALERTS[name]["expr"] else 1), f"{name} as {expression}: {words}"


def _seen(said: Any) -> set[str]:
    """Return the alerts that a promtool test expects to fire."""
    fired = {
        found
        for test in said["tests"]
        for query in test.get("promql_expr_test", ())
        for sample in query["exp_samples"]
        for found in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    return fired | {
        one["alertname"] for test in said["tests"] for one in test.get("alert_rule_test", ()) if one["exp_alerts"]
    }


def test_every_alert_is_seen_to_fire() -> None:
    fired: set[str] = set()
    for path in TESTS:
        fired |= _seen(yaml.safe_load(path.read_text("utf-8")))
    assert fired == set(ALERTS)


@pytest.mark.parametrize(
    "rule", [*rules("recording.yml"), *rules("alerts.yml")], ids=lambda r: r.get("record", r.get("alert"))
)
def test_a_rule_names_only_what_is_there(rule: dict[str, Any]) -> None:
    assert named(rule["expr"])
    assert unknown(rule["expr"]) == []


def test_what_is_not_there_is_noticed() -> None:
    query = 'sum(ses_outcomes_total{kind=~"DELIVERED|LOST", colour="red"}) / stream:ses_bounce:median + ses_nonsense'
    assert unknown(query) == [
        'ses_outcomes_total{kind="LOST"}',
        "ses_outcomes_total{colour}",
        "stream:ses_bounce:median",
        "ses_nonsense",
    ]
    assert unknown('rate(ses_chunk_seconds_bucket{hop="by_message", le="1.0"}[5m])') == []


def test_the_lag_of_every_topic_that_hops_read_finds_its_rate() -> None:
    read = {"send-requests", "settlements", "retries", "sends", "feedback", "outcomes", "instructions"}
    (words,) = re.findall(r"\.\*\?\(([a-z|-]+)\)", recorded()["topic:ses_consumer_lag:sum"])
    assert set(words.split("|")) == read
    assert read <= set(ROLES)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"


def test_the_runbook_has_an_entry_for_every_alert_and_for_no_other() -> None:
    assert list(ENTRIES) == list(dict.fromkeys(ENTRIES))
    assert set(ENTRIES) == set(ALERTS)


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_what_it_means_what_to_look_at_and_what_to_do(name: str) -> None:
    positions = [ENTRIES[name].find(f"**{part}**:") for part in ("It means", "Look first", "Do")]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_every_anchor_of_the_runbook_leads_to_an_entry() -> None:
    assert set(re.findall(r"\]\(#(\w+)\)", RUNBOOK)) <= {name.lower() for name in ENTRIES}


@pytest.mark.parametrize("page", ["docs/runbook.md", "docs/metrics.md", "README.md"])
def test_a_page_names_only_metrics_that_are_there(page: str) -> None:
    said = re.findall(r"`([^`]+)`", (ROOT / page).read_text("utf-8"))
    assert {word for text in said for word in unknown(text)} == set()


def test_the_queries_that_people_need_are_well_formed(tmp_path: Path) -> None:
    asked = [{"record": f"question:ses_asked:{number}", "expr": query} for number, (_, query) in enumerate(QUESTIONS)]
    path = tmp_path / "asked.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}), "utf-8")
    code, said = _promtool("check", "rules", path)
    assert code == 0, said


def _queries(part: Any) -> Iterator[str]:
    """Yield the queries of a dashboard, wherever they are in it."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"expr", "query", "definition"} and isinstance(value, str):
                yield value
            else:
                yield from _queries(value)
    elif isinstance(part, list):
        for value in part:
            yield from _queries(value)


def test_a_dashboard_asks_only_for_what_is_there() -> None:
    boards = sorted((ROOT / "deploy/grafana").glob("*.json"))
    asked = {board.name: list(_queries(json.loads(board.read_text("utf-8")))) for board in boards}
    assert {name: [word for query in queries for word in unknown(query)] for name, queries in asked.items()} == {
        name: [] for name in asked
    }
    assert all(any(map(named, queries)) for queries in asked.values())

"""Our rules in a real Prometheus, over the same demo run: it scrapes the worker, and every rule answers.

And the page that it scrapes, at the end of the day: as promtool sees it, and as OpenMetrics has it.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.openmetrics import parser

from streams.observe.catalogue import METRICS
from tests.grafana.observed import Observed
from tests.prometheus.queries import recorded, rules
from tests.prometheus.test_page import check_metrics

EMPTY: Mapping[str, str] = {
    "account:ses_bounce:seconds_to_review": "there only while the ratio rises, and below the line",
    "account:ses_complaint:seconds_to_review": "there only while the ratio rises, and below the line",
    "road:ses_intake_age_seconds:p95": "a demo has no intake: its events are published, as a file's would be",
}
"""What may have no number in a healthy demo of half a minute, and why."""


def test_the_worker_is_scraped(seen: Observed) -> None:
    (target,) = seen.prometheus.targets()
    assert (target["health"], target["lastError"]) == ("up", "")
    assert target["labels"]["job"] == "ses-streams"


def test_every_rule_is_there_and_none_has_an_error(seen: Observed) -> None:
    found = {rule["name"]: (rule["health"], rule.get("lastError", "")) for rule in seen.prometheus.rules()}
    assert found == dict.fromkeys((*recorded(), *(rule["alert"] for rule in rules("alerts.yml"))), ("ok", ""))


def test_every_reason_is_for_a_series_that_is_recorded() -> None:
    assert set(EMPTY) <= set(recorded())


@pytest.mark.parametrize("name", recorded())
def test_every_recorded_series_has_data(name: str, seen: Observed) -> None:
    assert seen.answers(name, at_once=False) or name in EMPTY


def test_a_ratio_is_a_part_and_the_accounts_lies_between_its_streams(seen: Observed) -> None:
    for kind in ("bounce", "complaint"):
        of_streams = [
            value for _, points in seen.answers(f"stream:ses_{kind}:ratio", at_once=True) for _, value in points
        ]
        ((_, ((_, of_account),)),) = seen.answers(f"account:ses_{kind}:ratio", at_once=True)
        assert 0 <= min(of_streams) <= of_account <= max(of_streams) < 1


def test_at_the_end_of_a_healthy_demo_nothing_begins_to_be_an_alarm_of_the_pipeline(seen: Observed) -> None:
    names = {
        "SesNoWorker",
        "SesDown",
        "SesNoProgress",
        "SesCommitOld",
        "SesLagging",
        "SesRecordsLost",
        "SesTakesNothing",
    }
    begun = {labels["alertname"] for labels, _ in seen.answers("ALERTS", at_once=True)}
    assert begun & names == set()


def _page(seen: Observed, accept: str) -> bytes:
    asked = http.client.HTTPConnection("127.0.0.1", seen.port, timeout=30)
    asked.request("GET", "/metrics", headers={"Accept": accept})
    page = asked.getresponse().read()
    asked.close()
    return page


def test_promtool_has_nothing_to_say_against_the_page_of_a_day(seen: Observed) -> None:
    assert check_metrics(_page(seen, "text/plain")) == ""


def test_the_page_of_a_day_is_openmetrics_and_within_its_bound(seen: Observed) -> None:
    page = _page(seen, "application/openmetrics-text; version=1.0.0").decode()
    read: Any = parser.text_string_to_metric_families
    families = {family.name: family for family in read(page)}
    assert {name.removesuffix("_total").removesuffix("_info") for name in METRICS} <= set(families)
    ours = sum(len(family.samples) for name, family in families.items() if name.startswith("ses_"))
    assert families["ses_series"].samples[0].value == ours <= families["ses_series_limit"].samples[0].value
    assert "@" not in page

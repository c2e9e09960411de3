"""Our rules in a real Prometheus, over the same demo run: it scrapes the worker, and every rule answers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.grafana.observed import Observed
from tests.prometheus.queries import recorded, rules

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

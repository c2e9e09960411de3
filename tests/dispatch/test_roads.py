"""Which road the settings mean."""

from __future__ import annotations

from typing import Any

import pytest

from streams.dispatch.api import ApiRoad
from streams.dispatch.road import Road
from streams.dispatch.roads import road_of
from streams.dispatch.smtp import SmtpRoad
from streams.settings.words import Settings
from tests.dispatch.letters import clock


def chosen(**dispatch: Any) -> Road:
    return road_of(Settings.model_validate({"dispatch": dispatch}), clock)


def test_by_itself_mail_goes_by_the_api() -> None:
    road = chosen()
    assert isinstance(road, ApiRoad)
    assert road.via == "API"


@pytest.mark.parametrize(
    ("dispatch", "asked"),
    [
        ({}, True),
        ({"smtp": {"host": "email-smtp.eu-west-1.amazonaws.com"}}, True),
        ({"smtp": {"host": "127.0.0.1", "tls": "none"}}, False),
        ({"smtp": {"host": "localhost", "tls": "none"}, "endpoint_url": "http://127.0.0.1:9"}, True),
    ],
)
def test_by_smtp_the_api_is_asked_for_the_quota_unless_only_a_simulator_takes_the_mail(
    dispatch: dict[str, Any], *, asked: bool
) -> None:
    road = chosen(via="smtp", **dispatch)
    assert isinstance(road, SmtpRoad)
    assert road.via == "SMTP"
    assert (road._account is not None) is asked

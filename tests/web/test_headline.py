"""The sentences of the page: each says what is so, and how bad it is."""

from __future__ import annotations

from typing import Any

import pytest

from streams.web.headline import Level, bounces_most, forecast, lags_most, level, mail_flows, would_review
from streams.web.overview import Counts, Flow, Gauge, Line, Provider, Rates, Stock
from tests.web.overviews import overview, partition, stream, worker

STILL = Flow(now=Rates())


@pytest.mark.parametrize(
    ("said", "how", "says"),
    [
        ({}, Level.GOOD, "Mail flows"),
        ({"flow": STILL}, Level.QUIET, "All is quiet"),
        ({"flow": STILL, "workers": [worker(lag=5)]}, Level.WARN, "Nothing moves, and records wait"),
        ({"stock": Stock(paused=["digest"])}, Level.WARN, "Paused: digest"),
        ({"workers": [worker(ready=False, state="recovering")]}, Level.BAD, "Mail does not flow"),
        ({"workers": [worker(), worker(ready=False)]}, Level.WARN, "Mail flows, but not everywhere"),
        ({"workers": [worker(), worker(ready=False, live=False)]}, Level.BAD, "Mail does not flow"),
        ({"missing": ["two:8080"]}, Level.WARN, "Mail flows, but not everywhere"),
    ],
)
def test_whether_mail_flows(said: dict[str, Any], how: Level, says: str) -> None:
    assert mail_flows(overview(**said))[:2] == (how, says)


@pytest.mark.parametrize(
    ("one", "how", "says"),
    [
        (stream("a", bounces=10), Level.GOOD, "SES would not review the account"),
        (stream("a", bounces=50), Level.BAD, "SES would review the account"),
        (stream("a", bounces=0, complaints=1), Level.BAD, "SES would review the account"),
        (stream("a", bounces=100), Level.BAD, "SES may pause the account"),
        (stream("a", bounces=5, sends=99), Level.QUIET, "Too few mails to rate"),
    ],
)
def test_whether_ses_would_review(one: Any, how: Level, says: str) -> None:
    assert would_review(overview(streams=[one]))[:2] == (how, says)


def test_whoever_is_to_blame_is_named_by_what_is_above_the_line_and_not_by_ratio() -> None:
    streams = [
        stream("few", bounces=0, complaints=3, sends=500),
        stream("many", bounces=0, complaints=25, sends=20_000),
    ]
    because = would_review(overview(streams=streams)).because
    assert because.startswith("complaints 0.14\u00a0%, over the review line of 0.1\u00a0% and below the pause line of")
    assert "line of 0.5\u00a0%, most by many (25 in 20,000 sends); bounces" in because
    assert "most by" not in would_review(overview()).because


def test_quiet_is_not_said_to_be_nothing_where_retries_wait() -> None:
    assert mail_flows(overview(flow=STILL, stock=Stock())).because == "no mail now, and nothing waits"
    for pending, said in ((1, "1 retry waits until it is due"), (3, "3 retries wait until they are due")):
        seen = overview(flow=STILL, stock=Stock(retries_pending=pending))
        assert mail_flows(seen).because == f"no mail now, and {said}"


def test_a_review_that_comes_is_said_before_it_is_there() -> None:
    # 1,000 sends with 1 % bounces; of late 250 in 15 min (1,000 an hour) with 10 %: 5 % after 800 more
    coming = overview(streams=[stream("a", bounces=10, lately=Counts(sends=250, bounces=25))])
    assert would_review(coming)[:2] == (Level.WARN, "SES would review the account in about 48 min")


def gauge(ratio: float, line: Line = Line.BELOW, review: float | None = None, pause: float | None = None) -> Gauge:
    return Gauge(ratio=ratio, review=0.05, pause=0.1, line=line, review_in_hours=review, pause_in_hours=pause)


@pytest.mark.parametrize(
    ("one", "how", "says"),
    [
        (gauge(0.01), Level.GOOD, "no review at this rate"),
        (gauge(0.01, review=0.5), Level.WARN, "review in ~30 min at this rate"),
        (gauge(0.01, review=7.2), Level.WARN, "review in ~7 h at this rate"),
        (gauge(0.01, review=100), Level.WARN, "review in ~4 days at this rate"),
        (gauge(0.06, Line.REVIEW, 0), Level.BAD, "over review; no pause at this rate"),
        (gauge(0.06, Line.REVIEW, 0, 3), Level.BAD, "over review; pause in ~3 h at this rate"),
        (gauge(0.12, Line.PAUSE, 0, 0), Level.BAD, "over the pause line"),
    ],
)
def test_the_forecast_in_words(one: Gauge, how: Level, says: str) -> None:
    assert (level(one), forecast(one)) == (how, says)


def test_which_provider_bounces_most() -> None:
    assert bounces_most(overview().providers) == "gmx bounces most: 20\u00a0% of 100 mails."


def test_a_provider_with_a_few_mails_is_never_the_worst() -> None:
    few = Provider(provider="proton", outcomes={"HARD_BOUNCED": 3})
    assert bounces_most([few, *overview().providers]).startswith("gmx bounces most")
    assert bounces_most([few]).startswith("Too little mail")


def test_which_partition_lags() -> None:
    assert lags_most([]) == "No partition is held here yet."
    assert lags_most([partition(0)]) == "No partition lags: all is worked off."
    assert lags_most([partition(3), partition(1234, number=7)]) == "ses.sends [7] lags most: 1,234 records wait."
    assert "on purpose" in lags_most([partition(3, held=True)])

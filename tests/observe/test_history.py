"""The ring of samples: what passes now, what passed a moment ago, and that it never grows."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from streams.observe.history import MINUTE_MS, MINUTES, STEP_MS, STEPS, History, Totals
from streams.observe.metrics import Metrics
from streams.observe.ratios import Rated
from tests.builders import NOON

START = NOON // MINUTE_MS * MINUTE_MS


def sent(metrics: Metrics, count: int, stream: str = "receipts") -> None:
    metrics.apply(Counter({("ses_sends_total", stream, "API"): count}))


def came_out(metrics: Metrics, kind: str, count: int = 1, domain: str = "gmail.com", stream: str = "receipts") -> None:
    metrics.apply(Counter({("ses_outcomes_total", stream, kind, domain): count}))


def test_a_rate_is_what_passed_in_the_last_ten_seconds() -> None:
    metrics = Metrics()
    history = History(metrics, START)
    for second in range(1, 31):
        sent(metrics, 10 if second <= 20 else 50)
        history.take(START + second * 1000)
    assert history.rates().sends == pytest.approx(50)


def test_a_worker_that_has_just_begun_has_no_rate() -> None:
    assert History(Metrics(), START).rates() == Totals()


def test_bounces_are_hard_and_soft_ones_and_complaints_complaints() -> None:
    metrics = Metrics()
    history = History(metrics, START)
    came_out(metrics, "HARD_BOUNCED", 10)
    came_out(metrics, "SOFT_BOUNCED", 20)
    came_out(metrics, "COMPLAINED", 5)
    came_out(metrics, "DELIVERED", 65)
    history.take(START + 10_000)
    assert history.rates() == Totals(sends=0, outcomes=10, bounces=3, complaints=0.5)


def test_steps_are_five_seconds_and_there_are_never_more_than_ten_minutes_of_them() -> None:
    metrics = Metrics()
    history = History(metrics, START)
    for second in range(2, 2 * STEPS * STEP_MS // 1000, 2):
        sent(metrics, 2)
        history.take(START + second * 1000)
    steps = history.steps()
    assert len(steps) == STEPS
    assert {later - earlier for (earlier, _), (later, _) in pairwise(steps)} == {STEP_MS}
    assert all(rates.sends == pytest.approx(1) for _, rates in steps)


def test_lately_is_the_last_minutes_and_forgets_what_was_before() -> None:
    metrics = Metrics()
    history = History(metrics, START)
    for minute in range(1, 2 * MINUTES):
        came_out(metrics, "DELIVERED", 1 if minute <= MINUTES else 7)
        sent(metrics, 1)
        history.take(START + minute * MINUTE_MS)
    lately = history.lately(10)
    assert lately.span == 10 * MINUTE_MS
    assert lately.outcomes == {("gmail", "DELIVERED"): 70}
    assert lately.rated == {"receipts": Rated(sends=10)}


def test_what_ses_does_not_rate_is_not_counted_as_rated() -> None:
    metrics = Metrics()
    history = History(metrics, START)
    sent(metrics, 100)
    came_out(metrics, "HARD_BOUNCED", 6)
    came_out(metrics, "HARD_BOUNCED", 50, domain="simulator.amazonses.com")
    came_out(metrics, "COMPLAINED", 4)
    metrics.apply(
        Counter(
            {
                ("ses_listed_bounces_total", "receipts"): 2,
                ("ses_mail_reports_total", "receipts", "HARD_BOUNCED"): 1,
                ("ses_mail_reports_total", "receipts", "COMPLAINED"): 3,
            }
        )
    )
    history.take(START + MINUTE_MS)
    assert history.lately().rated == {"receipts": Rated(sends=100, bounces=3, complaints=1)}

"""The ratios: over the last sends of a stream, counting what SES counts."""

from __future__ import annotations

from collections import Counter

from streams.observe.metrics import Metrics
from streams.observe.ratios import BLOCK_SENDS, BLOCKS, Window


def _ratio(metrics: Metrics, name: str) -> float | None:
    metrics.look()
    return metrics.values(name).get(("receipts",))


def _outcome(kind: str, domain: str = "firm.example") -> tuple[str, ...]:
    return ("ses_outcomes_total", "receipts", kind, domain)


SENDS = ("ses_sends_total", "receipts", "API")


def test_hard_bounces_count_and_soft_ones_and_auto_replies_do_not() -> None:
    metrics = Metrics()
    kinds = Counter({_outcome("HARD_BOUNCED"): 5, _outcome("SOFT_BOUNCED"): 50, _outcome("AUTO_REPLIED"): 50})
    metrics.apply(Counter({SENDS: 100}) + kinds)
    assert _ratio(metrics, "ses_bounce_ratio") == 0.05


def test_a_bounce_for_which_ses_sent_nothing_does_not_count() -> None:
    metrics = Metrics()
    metrics.apply(Counter({SENDS: 100, _outcome("HARD_BOUNCED"): 5, ("ses_listed_bounces_total", "receipts"): 4}))
    assert _ratio(metrics, "ses_bounce_ratio") == 0.01


def test_the_simulator_of_ses_does_not_count() -> None:
    metrics = Metrics()
    simulated = "simulator.amazonses.com"
    metrics.apply(Counter({SENDS: 100, _outcome("HARD_BOUNCED", simulated): 5, _outcome("COMPLAINED", simulated): 5}))
    assert (_ratio(metrics, "ses_bounce_ratio"), _ratio(metrics, "ses_complaint_ratio")) == (0, 0)


def test_complaints_have_a_ratio_of_their_own() -> None:
    metrics = Metrics()
    metrics.apply(Counter({SENDS: 1000, _outcome("COMPLAINED"): 1}))
    assert (_ratio(metrics, "ses_bounce_ratio"), _ratio(metrics, "ses_complaint_ratio")) == (0, 0.001)


def test_there_is_no_ratio_before_there_are_sends() -> None:
    metrics = Metrics()
    metrics.apply(Counter({_outcome("HARD_BOUNCED"): 5}))
    assert _ratio(metrics, "ses_bounce_ratio") is None


def test_streams_do_not_answer_for_each_other() -> None:
    metrics = Metrics()
    metrics.apply(Counter({SENDS: 10, ("ses_sends_total", "other-stream", "API"): 10, _outcome("HARD_BOUNCED"): 1}))
    metrics.look()
    assert metrics.values("ses_bounce_ratio") == {("receipts",): 0.1, ("other-stream",): 0}


def test_what_is_older_than_the_window_is_forgotten_and_nothing_else() -> None:
    window = Window()
    window.sent(1)
    window.bounced(7)
    window.sent(BLOCK_SENDS * BLOCKS - 1)
    assert (window.sends, window.bounce_ratio) == (BLOCK_SENDS * BLOCKS, 7 / (BLOCK_SENDS * BLOCKS))
    window.sent(1)
    assert (window.sends, window.bounce_ratio) == (BLOCK_SENDS * (BLOCKS - 1) + 1, 0)


def test_the_sends_behind_a_ratio_are_shown() -> None:
    metrics = Metrics()
    metrics.apply(Counter({SENDS: 12}))
    assert _ratio(metrics, "ses_ratio_sends") == 12

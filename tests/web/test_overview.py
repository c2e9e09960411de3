"""The overview: what one worker sees, what all of them see together, and that it is never an average of ratios."""

from __future__ import annotations

from collections import Counter

import pytest

from streams.emit.records import suppression_record
from streams.mail.suppression import Suppression, SuppressionReason
from streams.observe.fingerprint import Fingerprints
from streams.observe.health import Health
from streams.observe.history import History
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Position, Progress
from streams.observe.recent import Recent
from streams.pipeline import Batch
from streams.web.merge import merge
from streams.web.overview import Counts, Line, Overview, Provider, Stock
from streams.web.survey import Sources, Survey
from tests.builders import CODEC, NOON
from tests.web.overviews import overview, partition, stream, suppressed, worker

ANN = "ann@example.com"
MINUTE = 60_000


def surveyed(*, named: bool = False, quiet: int = 0) -> Overview:
    """Return what a worker sees a minute after it began: a thousand mails, sixty hard bounces, somebody suppressed.

    *quiet* minutes more have passed, in which nothing came.
    """
    metrics = Metrics()
    history = History(metrics, NOON)
    recent = Recent(CODEC, Fingerprints(), lambda: NOON)
    progress = Progress(phase=Phase.RUNNING, positions={("ses.sends", 1): Position(5, 7)}, committed_at=NOON)
    metrics.apply(
        Counter(
            {
                ("ses_sends_total", "receipts", "API"): 1000,
                ("ses_outcomes_total", "receipts", "HARD_BOUNCED", "gmx.de"): 60,
                ("ses_outcomes_total", "receipts", "DELIVERED", "gmx.de"): 940,
                ("ses_suppressions", "HARD_BOUNCE"): 60,
            }
        )
    )
    said = Suppression(recipient=ANN, reason=SuppressionReason.HARD_BOUNCE, since=NOON)
    value = CODEC.encode("mail.Suppression", suppression_record(said))
    recent.saw({"suppressions": Batch([ANN.encode()], [value])})
    for minute in range(1, quiet + 2):
        history.take(NOON + minute * MINUTE)
    sources = Sources(metrics, history, recent, Health(lambda: progress, lambda: NOON), lambda: progress)
    return Survey(lambda: "http://one:8080", sources, NOON).take(NOON + (quiet + 1) * MINUTE, named=named)


def test_after_a_quiet_hour_providers_are_shown_since_the_worker_began() -> None:
    seen, quiet = surveyed(), surveyed(quiet=150)
    assert (seen.providers, seen.providers_minutes) == (quiet.providers, 1.0)
    assert quiet.providers_minutes == 151.0
    assert quiet.account.lately == Counts()


def test_a_worker_says_what_it_sees() -> None:
    seen = surveyed()
    assert seen.account.window == Counts(sends=1000, bounces=60)
    assert seen.account.bounces.ratio == pytest.approx(0.06)
    assert (seen.account.bounces.line, seen.account.complaints.line) == (Line.REVIEW, Line.BELOW)
    assert seen.providers == [Provider(provider="gmx", outcomes={"HARD_BOUNCED": 60, "DELIVERED": 940})]
    assert [(p.topic, p.partition, p.lag) for p in seen.partitions] == [("ses.sends", 1, 7)]
    assert [(w.name, w.state, w.lag) for w in seen.workers] == [("one:8080", "running", 7)]
    assert seen.stock.suppressions == {"HARD_BOUNCE": 60}


def test_an_overview_names_nobody_unless_it_is_asked_to() -> None:
    assert "ann@" not in surveyed().model_dump_json()
    assert surveyed(named=True).notices[0].address == ANN


def test_an_overview_comes_through_json_as_it_was() -> None:
    seen = surveyed()
    assert Overview.model_validate_json(seen.model_dump_json()) == seen


def test_workers_are_added_up_as_counts() -> None:
    large, small = stream("receipts", bounces=0, sends=9000), stream("receipts", bounces=100, sends=1000)
    both = merge([overview(streams=[large]), overview(streams=[small], workers=[worker(name="two:8080")])])
    assert both.account.bounces.ratio == pytest.approx(0.01)  # the mean of the ratios would be 5 %
    assert [one.stream for one in both.streams] == ["receipts"]
    assert both.streams[0].room == 20_000
    assert [one.name for one in both.workers] == ["one:8080", "two:8080"]
    assert both.flow.now.sends == 20
    assert len(both.flow.steps) == 30
    assert {step.sends for step in both.flow.steps} == {20}
    assert both.providers[0].outcomes == {"DELIVERED": 1980, "HARD_BOUNCED": 20}


def test_what_workers_hold_is_joined_and_what_they_count_is_added() -> None:
    one = overview(partitions=[partition(3)], stock=Stock(suppressions={"COMPLAINT": 1}, loops=2, paused=["digest"]))
    two = overview(partitions=[partition(4, number=1)], stock=Stock(suppressions={"COMPLAINT": 4}, loops=3))
    both = merge([one, two], missing=["three:8080"])
    assert [(p.partition, p.lag) for p in both.partitions] == [(0, 3), (1, 4)]
    assert both.stock == Stock(suppressions={"COMPLAINT": 5}, loops=5, paused=["digest"])
    assert both.missing == ["three:8080"]


def test_one_overview_added_up_is_itself() -> None:
    one = overview(notices=[suppressed(), suppressed()])
    assert merge([one]) == one

"""The breaker: when a stream pauses itself, when it goes on, and what an operator's word does."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dispatch.breaker import BOUNCES, COMPLAINTS, Breaker, Pause
from streams.mail.policy import BreakerPolicy, Policy
from tests.builders import HOUR, NOON
from tests.dispatch.bench import MINUTE, SECOND, DispatchBench, request

POLICY = BreakerPolicy(min_sends=100, window=24 * HOUR)


def counts(
    sends: int, bounced: int = 0, complained: int = 0, stream: str = "news", **more: int
) -> Counter[tuple[str, ...]]:
    """Return what chunks count."""
    return Counter(
        {
            ("ses_sends_total", stream, "API"): sends,
            ("ses_outcomes_total", stream, "HARD_BOUNCED", "example.com"): bounced,
            ("ses_outcomes_total", stream, "COMPLAINED", "example.com"): complained,
            ("ses_outcomes_total", stream, "SOFT_BOUNCED", "example.com"): 50,
            ("ses_outcomes_total", stream, "HARD_BOUNCED", "simulator.amazonses.com"): 50,
            ("ses_listed_bounces_total", stream): more.get("listed", 0),
            ("ses_complaints_total", "auth-failure"): more.get("auth_failures", 0),
            ("ses_records_total", "sends"): sends,
        }
    )


class Table:
    """The table of pauses as the breaker asks it."""

    def __init__(self) -> None:
        self.standing: dict[str, dict[str, Any]] = {}

    def ask(self, streams: Any) -> dict[str, dict[str, Any]]:
        """Return what stands about *streams*."""
        return {name: self.standing[name] for name in streams if name in self.standing}

    def put(self, stream: str, since: int, by: str = "ses-streams", until: int | None = None) -> None:
        """Let a pause stand."""
        self.standing[stream] = {"since": since, "by": by, "until": until}


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (counts(1_000, bounced=80), Pause(BOUNCES, 80, 1_000)),
        (counts(1_000, bounced=79), None),
        (counts(1_000, complained=4), Pause(COMPLAINTS, 4, 1_000)),
        (counts(1_000, complained=3), None),
        (counts(99, bounced=99), None),
        (counts(100, bounced=8), Pause(BOUNCES, 8, 100)),
        (counts(1_000, bounced=90, listed=20), None),
        (
            counts(1_000, complained=4, auth_failures=4),
            Pause(COMPLAINTS, 4, 1_000),
        ),  # SES does not say it spares us
    ],
)
def test_a_stream_pauses_itself_at_eight_percent_bounces_or_four_in_a_thousand_complaints(
    counted: Counter[tuple[str, ...]], expected: Pause | None
) -> None:
    breaker = Breaker(POLICY)
    breaker.saw(counted, NOON)
    assert breaker.changes(Table().ask, NOON).get("news") == expected
    assert breaker.holds("news") == (expected is not None)


def test_one_stream_does_not_pause_another() -> None:
    breaker = Breaker(POLICY)
    breaker.saw(counts(1_000, bounced=500) + counts(1_000, stream="receipts"), NOON)
    assert set(breaker.changes(Table().ask, NOON)) == {"news"}
    assert breaker.paused() == ["news"]


def test_a_pause_is_said_once_and_with_its_figures(caplog: pytest.LogCaptureFixture) -> None:
    breaker, table = Breaker(POLICY), Table()
    breaker.saw(counts(1_000, bounced=100), NOON)
    with caplog.at_level(logging.WARNING):
        assert breaker.changes(table.ask, NOON)
    assert "news" in caplog.text
    assert "100 of 1000" in caplog.text
    for later in range(1, 10):
        assert breaker.changes(table.ask, NOON + later * SECOND) == {}
    table.put("news", NOON)
    assert breaker.changes(table.ask, NOON + MINUTE) == {}


def test_what_lies_before_the_window_is_past() -> None:
    breaker = Breaker(POLICY)
    breaker.saw(counts(1_000, bounced=100), NOON)
    breaker.saw(counts(1_000), NOON + 25 * HOUR)
    assert breaker.changes(Table().ask, NOON + 25 * HOUR) == {}


def test_a_pause_of_ours_ends_when_the_ratio_has_fallen() -> None:
    breaker, table = Breaker(POLICY), Table()
    breaker.saw(counts(1_000, bounced=100), NOON)
    breaker.changes(table.ask, NOON)
    table.put("news", NOON)
    assert breaker.changes(table.ask, NOON + HOUR) == {}
    breaker.saw(counts(300), NOON + 2 * HOUR)
    assert breaker.changes(table.ask, NOON + 2 * HOUR) == {}, "7.7 % is below the line, and not yet fallen"
    breaker.saw(counts(700), NOON + 3 * HOUR)
    assert breaker.changes(table.ask, NOON + 3 * HOUR) == {"news": None}
    assert not breaker.holds("news")


def test_a_pause_of_ours_ends_when_too_few_sends_are_left_to_judge() -> None:
    breaker, table = Breaker(POLICY), Table()
    breaker.saw(counts(1_000, bounced=100), NOON)
    breaker.changes(table.ask, NOON)
    table.put("news", NOON)
    assert breaker.changes(table.ask, NOON + 23 * HOUR) == {}
    assert breaker.changes(table.ask, NOON + 25 * HOUR) == {"news": None}
    assert breaker.changes(table.ask, NOON + 26 * HOUR) == {}, "said once, however slow the table"


def test_an_operators_pause_is_never_lifted_by_us() -> None:
    breaker, table = Breaker(POLICY), Table()
    breaker.saw(counts(1_000, bounced=100), NOON)
    breaker.changes(table.ask, NOON)
    table.put("news", NOON, by="olga")
    assert breaker.changes(table.ask, NOON + SECOND) == {}
    assert breaker.changes(table.ask, NOON + 26 * HOUR) == {}
    other = Breaker(POLICY)
    other.met("news")
    assert other.changes(table.ask, NOON + 26 * HOUR) == {}
    assert other.paused() == ["news"]


def test_an_operators_release_begins_the_count_anew() -> None:
    breaker, table = Breaker(POLICY), Table()
    breaker.saw(counts(1_000, bounced=100), NOON)
    breaker.changes(table.ask, NOON)
    table.put("news", NOON)
    breaker.changes(table.ask, NOON + SECOND)
    table.standing.clear()
    assert breaker.changes(table.ask, NOON + 2 * SECOND) == {}
    assert breaker.changes(table.ask, NOON + 3 * SECOND) == {}
    breaker.saw(counts(1_000, bounced=100), NOON + MINUTE)
    assert breaker.changes(table.ask, NOON + MINUTE) == {"news": Pause(BOUNCES, 100, 1_000)}


def test_a_pause_of_ours_from_before_a_restart_ends_when_its_window_is_past() -> None:
    breaker, table = Breaker(POLICY), Table()
    table.put("news", NOON)
    breaker.met("news")
    assert breaker.changes(table.ask, NOON + 23 * HOUR) == {}
    assert breaker.changes(table.ask, NOON + 24 * HOUR) == {"news": None}


def test_a_pause_that_has_ended_by_itself_stands_no_more() -> None:
    breaker, table = Breaker(POLICY), Table()
    table.put("news", NOON, by="olga", until=NOON + MINUTE)
    breaker.saw(counts(1_000, bounced=100), NOON)
    assert breaker.changes(table.ask, NOON) == {}
    assert set(breaker.changes(table.ask, NOON + MINUTE)) == {"news"}


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=12))
def test_it_pauses_exactly_when_a_ratio_of_all_that_it_saw_is_at_its_line(chunks: list[tuple[int, int, int]]) -> None:
    breaker = Breaker(POLICY)
    for number, (sends, bounced, complained) in enumerate(chunks):
        breaker.saw(counts(sends, min(bounced, sends), complained), NOON + number * HOUR)
    sends = sum(one[0] for one in chunks)
    bad = sum(min(one[1], one[0]) for one in chunks) >= 0.08 * sends or sum(one[2] for one in chunks) >= 0.004 * sends
    paused = breaker.changes(Table().ask, NOON + 12 * HOUR)
    assert bool(paused) == (sends >= 100 and bad)


def test_a_stream_that_pauses_itself_loses_nothing_and_says_so_on_the_topic() -> None:
    bench = DispatchBench(Policy(breaker=POLICY))
    bench.breaker.saw(counts(1_000, bounced=80, stream="receipts"), NOON)
    bench.ask(request("r-1"), request("r-2", stream="other"))
    bench.work_off()
    (pause,) = bench.read("pauses", "mail.Pause")
    assert pause == {
        "stream": "receipts",
        "since": NOON,
        "until": None,
        "because": "bounce_ratio",
        "bad": 80,
        "sends": 1_000,
        "by": "ses-streams",
    }
    assert [key for topic, key, _ in bench.emitted if topic == "pauses"] == [b"receipts"]
    assert [send["request_id"] for send in bench.sends] == ["r-2"], "it holds before the table has heard of it"
    assert bench.hop.gauges(bench.now)["ses_dispatch_paused"] == {("receipts",): 1.0}
    bench.tell("pauses", "receipts", "mail.Pause", **pause)
    bench.pass_time(23 * HOUR)
    assert len(bench.sends) == 1
    bench.pass_time(2 * HOUR)
    bench.forget("pauses", "receipts")
    bench.pass_time(2 * MINUTE)
    assert [value for topic, _, value in bench.emitted if topic == "pauses"][1:] == [None]
    assert [send["request_id"] for send in bench.sends] == ["r-2", "r-1"]
    assert bench.hop.gauges(bench.now)["ses_dispatch_paused"] == {}


def test_a_stream_that_sends_no_more_is_forgotten_with_its_window() -> None:
    breaker, table = Breaker(POLICY), Table()
    for number in range(1_000):
        breaker.saw(counts(10, stream=f"news-{number}"), NOON)
    breaker.changes(table.ask, NOON + SECOND)
    assert len(breaker._windows) == 1_000
    breaker.changes(table.ask, NOON + 25 * HOUR)
    assert not breaker._windows

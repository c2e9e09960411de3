"""The small parts of the show: its script, its pace, its kills, and how it reads the worker's own figures."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from streams.demo.gauges import Page, fetch_page, is_ready, read_page
from streams.demo.kills import FIRST, LAST, ROOM, Kills
from streams.demo.meter import Meter
from streams.demo.plan import DRAINED_FROM, Plan
from streams.demo.script import Pace, Script

PAGE = """# HELP ses_records_total Records that hops have worked off.
# TYPE ses_records_total counter
ses_records_total{topic="sends"} 12.0
ses_records_total{topic="feedback"} 1.5e+01
ses_outcomes_total{stream="a",kind="DELIVERED",provider="other"} 7.0
ses_outcomes_total{stream="b",kind="DELIVERED",provider="other"} 2.0
ses_outcomes_total{stream="b",kind="OPENED",provider="an \\"odd\\" one"} 1.0
process_cpu_seconds_total 3.25
"""


def plan(messages: int = 2_000, kills: int = 0) -> Plan:
    """Return a plan."""
    return Plan(messages=messages, seed=1, partitions=4, kills=kills)


def page(joined: float, judged: float, cpu: float = 0.0, worked: float = 0.0) -> Page:
    """Return a worker's page."""
    return read_page(
        f'ses_chunk_timestamp_seconds{{edge="first"}} 100\nses_chunk_timestamp_seconds{{edge="last"}} {100 + worked}\n'
        f'ses_records_total{{topic="sends"}} {joined}\nses_records_total{{topic="outcomes"}} {judged}\n'
        f'process_cpu_seconds_total {cpu}\nses_step_seconds_total{{hop="by_message",step="decode"}} {cpu / 2}\n'
    )


def test_a_page_is_read_by_name_and_labels() -> None:
    read = read_page(PAGE)
    assert read.total("ses_records_total") == 27
    assert read.total("ses_records_total", topic="sends") == 12
    assert read.by("ses_outcomes_total", "kind") == {"DELIVERED": 9, "OPENED": 1}
    assert read.total("process_cpu_seconds_total") == 3.25
    assert read.total("no_such_metric") == 0


def test_a_worker_that_does_not_answer_has_no_page_and_is_not_ready() -> None:
    nobody = 1  # a port that only the system may listen on
    assert fetch_page(nobody) is None
    assert not is_ready(nobody)


def test_a_script_plays_as_many_steps_as_it_is_told_and_finishes_once() -> None:
    finished: list[int] = []
    played: list[int] = []

    def steps() -> Iterator[None]:
        for number in range(5):
            played.append(number)
            yield

    script = Script(steps(), about=10, finish=lambda: finished.append(len(played)))
    script.play(3)
    assert (played, script.part, script.finished) == ([0, 1, 2], 0.3, False)
    script.play(10)
    script.play(10)
    assert (len(played), script.part, finished) == (5, 1.0, [5])


def test_a_pace_owes_what_is_due_and_no_more_after_a_long_pause() -> None:
    pace = Pace(10.0)
    assert [pace.due(at) for at in (0.0, 0.05, 0.1, 0.35, 100.0)] == [0, 0, 1, 2, 10]


@pytest.mark.parametrize("seed", range(20))
def test_every_kill_comes_once_in_mid_stream_and_behind_a_gate(seed: int) -> None:
    kills = Kills(6, random.Random(seed), outcomes=1_000)
    found: list[int] = []
    for outcomes in range(1_000):
        gate = kills.gate
        if kills.due(outcomes, alive_s=60.0):
            found.append(outcomes)
            assert outcomes / 1_000 < gate <= 1
        if len(found) == 6:
            break
    assert (kills.done, kills.gate) == (6, 1)
    assert found[0] >= FIRST * 1_000
    assert found[-1] <= (LAST + ROOM) * 1_000
    assert not kills.due(1_000, alive_s=60.0)


def test_some_kills_come_while_the_worker_rises() -> None:
    rising = 0
    for seed in range(20):
        kills = Kills(6, random.Random(seed), outcomes=1_000)
        while kills.gate < 1:
            by_progress = kills.due(1_000, alive_s=0.0)
            rising += not by_progress
            assert by_progress or kills.due(0, alive_s=60.0)
    assert 0.1 < rising / 120 < 0.5


def test_a_big_day_is_drained_and_measured_and_a_day_with_kills_is_not_measured() -> None:
    small, big, killed = plan(), plan(DRAINED_FROM), plan(DRAINED_FROM, kills=1)
    assert [(p.drained, p.measured) for p in (small, big, killed)] == [(False, False), (True, True), (True, False)]
    assert len({p.told for p in (small, big, killed)}) == 3
    assert killed.park_s > small.park_s


def test_speed_is_over_the_workers_own_time_from_its_first_chunk_to_its_last() -> None:
    meter = Meter()
    looks = [(0.0, 0, 0), (1.0, 0, 0), (2.0, 600, 100), (3.0, 1_000, 900), (4.0, 1_000, 1_000), (9.0, 1_000, 1_000)]
    for at, joined, judged in looks:
        meter.look(at, page(joined, judged, cpu=at / 10, worked=2.5 if judged > 950 else at))
        meter.expect(1_000, 950)
    speed = meter.speed(plan(DRAINED_FROM), 1_000)
    assert (speed.events, speed.seconds, round(speed.per_second)) == (1_000, 2.5, 400)
    assert speed.cpu_us is not None
    assert round(speed.cpu_us) == 300
    assert {step: round(us) for step, us in speed.steps.items()} == {"decode": 150}


def test_speed_with_kills_is_over_the_whole_time() -> None:
    meter = Meter()
    meter.ready_at = 2.0
    meter.look(3.0, page(0, 0))
    meter.restarted()
    assert (meter.joined, meter.rate) == (0, 0)
    meter.end(12.0)
    speed = meter.speed(plan(kills=1), 1_000)
    assert (speed.per_second, speed.cpu_us) == (100, None)


def test_a_rate_is_that_of_the_last_two_seconds() -> None:
    meter = Meter()
    for at, joined in ((0.0, 0), (10.0, 100), (11.0, 400)):
        meter.look(at, page(joined, 0))
    assert meter.rate == 300

"""Health: judged by what moves while work waits, never by what can be reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.observe.health import DEAD_AFTER, UNREADY_AFTER, Health, State, Verdict
from streams.observe.progress import Phase, Position, Progress

START = 1_700_000_000_000


@dataclass
class Engine:
    """An engine to be told what to say, and a clock to be turned."""

    said: Progress = field(default_factory=lambda: Progress(phase=Phase.STARTING))
    now: int = START

    def health(self) -> Health:
        return Health(lambda: self.said, lambda: self.now)

    def at(self, committed: int, lag: int, phase: Phase = Phase.RUNNING) -> None:
        self.said = Progress(phase=phase, positions={("ses.sends", 3): Position(committed, lag)})


def _well(verdict: Verdict) -> tuple[State, bool, bool]:
    return verdict.state, verdict.live, verdict.ready


def test_a_worker_that_starts_recovers_or_stops_is_alive_and_not_ready() -> None:
    engine = Engine()
    health = engine.health()
    for phase, state in (
        (Phase.STARTING, State.STARTING),
        (Phase.RECOVERING, State.RECOVERING),
        (Phase.STOPPING, State.STOPPING),
    ):
        engine.said = Progress(phase=phase)
        assert _well(health.check()) == (state, True, False)
        assert health.check().reasons


def test_a_worker_without_lag_stays_ready_however_long_nothing_comes() -> None:
    engine = Engine()
    health = engine.health()
    engine.at(committed=5, lag=0)
    health.check()
    engine.now += 10 * DEAD_AFTER
    assert _well(health.check()) == (State.RUNNING, True, True)


def test_a_partition_that_is_held_on_purpose_does_not_make_a_worker_stuck() -> None:
    engine = Engine()
    health = engine.health()
    for held, expected in (
        (True, (State.RUNNING, True, True)),
        (True, (State.RUNNING, True, True)),
        (False, (State.RUNNING, True, True)),  # from here on it waits for us
        (False, (State.STUCK, False, False)),
    ):
        engine.said = Progress(phase=Phase.RUNNING, positions={("ses.sends", 3): Position(5, 10, held)})
        assert _well(health.check()) == expected
        engine.now += DEAD_AFTER


def test_a_record_that_comes_after_a_quiet_hour_does_not_make_a_worker_stuck() -> None:
    engine = Engine()
    health = engine.health()
    engine.at(committed=5, lag=0)
    health.check()
    engine.now += 3_600_000
    engine.at(committed=5, lag=1)
    assert _well(health.check()) == (State.RUNNING, True, True)


def test_lag_without_progress_makes_a_worker_unready_and_after_twice_as_long_dead() -> None:
    engine = Engine()
    health = engine.health()
    engine.at(committed=5, lag=1)
    health.check()
    engine.now = START + UNREADY_AFTER - 1
    assert _well(health.check()) == (State.RUNNING, True, True)
    engine.now = START + UNREADY_AFTER
    assert _well(health.check()) == (State.STUCK, True, False)
    assert health.check().reasons == (f"ses.sends[3]: no progress for {UNREADY_AFTER // 1000} s",)
    engine.now = START + DEAD_AFTER - 1
    assert health.check().live
    engine.now = START + DEAD_AFTER
    assert _well(health.check()) == (State.STUCK, False, False)


def test_growing_lag_is_not_progress() -> None:
    engine = Engine()
    health = engine.health()
    for lag in (1, 10, 100):
        engine.at(committed=5, lag=lag)
        health.check()
        engine.now += UNREADY_AFTER // 2
    assert health.check().state is State.STUCK


def test_any_progress_starts_the_clock_anew() -> None:
    engine = Engine()
    health = engine.health()
    engine.at(committed=5, lag=9)
    health.check()
    engine.now += DEAD_AFTER
    engine.at(committed=6, lag=9)
    assert _well(health.check()) == (State.RUNNING, True, True)


def test_one_stuck_partition_is_enough() -> None:
    engine = Engine()
    health = engine.health()
    for committed in (1, 2):
        engine.said = Progress(
            phase=Phase.RUNNING,
            positions={("ses.sends", 0): Position(committed, 5), ("ses.sends", 1): Position(7, 5)},
        )
        verdict = health.check()
        engine.now += UNREADY_AFTER
    verdict = health.check()
    assert verdict.state is State.STUCK
    assert f"ses.sends[1]: no progress for {2 * UNREADY_AFTER // 1000} s" in verdict.reasons


def test_a_partition_that_went_to_another_worker_is_forgotten() -> None:
    engine = Engine()
    health = engine.health()
    engine.at(committed=5, lag=1)
    health.check()
    engine.said = Progress(phase=Phase.RUNNING)
    health.check()
    engine.now += DEAD_AFTER
    engine.at(committed=5, lag=1)
    assert _well(health.check()) == (State.RUNNING, True, True)


def test_a_recovery_that_does_not_move_is_stuck_and_one_that_moves_is_not() -> None:
    engine = Engine()
    health = engine.health()
    engine.said = Progress(phase=Phase.RECOVERING, recovery_remaining=100)
    health.check()
    engine.now += UNREADY_AFTER
    assert health.check().state is State.STUCK
    engine.said = Progress(phase=Phase.RECOVERING, recovery_remaining=99)
    assert _well(health.check()) == (State.RECOVERING, True, False)
    assert health.check().reasons == ("recovering: 99 changelog records to read",)


def test_a_worker_that_stops_is_not_called_stuck() -> None:
    engine = Engine()
    health = engine.health()
    engine.at(committed=5, lag=1)
    health.check()
    engine.now += DEAD_AFTER
    engine.at(committed=5, lag=1, phase=Phase.STOPPING)
    assert _well(health.check()) == (State.STOPPING, True, False)

"""Fault 2: workers that are told to stop, under load: in order, without the time for it, and impatiently.

The broken twin is one that publishes later: what it still had in hand is lost with the process.
"""

from __future__ import annotations

import time
from random import Random
from signal import SIGTERM

import pytest

from tests.faults.rig import rigged, wait_until_quiet
from tests.faults.stage import Stage

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
TIMES = 4
RATE = 250
IN_ORDER = 0
AT_ONCE = {1, IN_ORDER}
"""Exit codes of a worker that is told twice: it may have been through already when it heard the second."""


def test_a_worker_that_is_told_to_stop_does_so_in_order(stage: Stage) -> None:
    chance = Random(stage.seed)
    worker = stage.worker(engine__instance_id="one")
    with stage.traffic(rate=RATE):
        for _ in range(TIMES):
            worker.wait_until_ready()
            time.sleep(chance.uniform(0.2, 3))
            assert worker.stop() == IN_ORDER, stage.last_words()
            worker.start()
    stage.end(f"SIGTERM, {TIMES} times")


def test_a_worker_that_is_told_to_stop_while_it_starts_does_so(stage: Stage) -> None:
    chance = Random(stage.seed)
    worker = stage.worker(engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        for _ in range(TIMES):
            worker.stop()
            worker.start()
            time.sleep(chance.uniform(0, 2.5))
        worker.start()
    assert set(worker.codes) <= {IN_ORDER, -SIGTERM}, stage.last_words()  # killed: it had not begun to listen
    stage.end(f"SIGTERM while it starts, {TIMES} times")


def test_a_worker_that_is_given_a_second_to_stop_loses_nothing(stage: Stage) -> None:
    """The second is ours to see it stopping in, and no moment that anything else is waited for."""
    chance = Random(stage.seed)
    worker = stage.worker(engine__instance_id="one")
    with stage.traffic(rate=RATE):
        for _ in range(TIMES):
            worker.wait_until_ready()
            time.sleep(chance.uniform(0.2, 2))
            worker.signal(SIGTERM)
            time.sleep(chance.choice([0.01, 0.1, 0.3, 1.0]))
            worker.kill()
            worker.start()
    stage.end(f"SIGTERM, and -9 within a second, {TIMES} times")


def test_a_worker_that_is_told_twice_stops_at_once_and_loses_nothing(stage: Stage) -> None:
    chance = Random(stage.seed)
    worker = stage.worker(engine__instance_id="one")
    with stage.traffic(rate=RATE):
        for _ in range(TIMES):
            worker.wait_until_ready()
            time.sleep(chance.uniform(0.2, 2))
            worker.signal(SIGTERM)
            time.sleep(chance.uniform(0, 0.1))
            worker.signal(SIGTERM)
            assert worker.wait(10) in AT_ONCE, stage.last_words()
            worker.start()
    stage.end(f"SIGTERM twice, {TIMES} times")


def test_the_checker_sees_a_stopped_worker_that_publishes_later(stage: Stage) -> None:
    worker = rigged(stage, "one", ("publish_later", 2.0), engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(4)
        worker.stop()
        rigged(stage, "one")
    wait_until_quiet(stage)
    verdict = stage.verdict()
    assert verdict.lost, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"

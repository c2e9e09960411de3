"""Fault 2b: a rolling restart, as Kubernetes does it to a StatefulSet: the highest number first, one after the other.

Each worker is told to stop, has its grace time for it, comes back under its name and on its disk, and the next has its
turn once it has been ready for a while. The broken twin is that of test_stops.
"""

from __future__ import annotations

import time

import pytest

from tests.faults.stage import Stage

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
WORKERS, ROUNDS, RATE = 3, 2, 250
MIN_READY_S = 2.0
"""So long a pod has to be ready before the next has its turn: the chart's minReadySeconds, shorter."""
IN_ORDER = 0


def test_a_rolling_restart_of_three_workers_loses_nothing(stage: Stage) -> None:
    workers = [stage.worker(f"pod-{n}", engine__instance_id=f"pod-{n}") for n in range(WORKERS)]
    for worker in workers:
        worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        for _ in range(ROUNDS):
            for worker in reversed(workers):
                assert worker.stop() == IN_ORDER, stage.last_words()
                worker.start()
                worker.wait_until_ready()
                time.sleep(MIN_READY_S)
    stage.end(f"a rolling restart of {WORKERS} workers, {ROUNDS} times")

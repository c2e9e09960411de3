"""Fault 3: a storm of rebalances: workers come, stop and die every two seconds, and one to three are there.

The broken twin is tests/faults/vanilla.py: what its agents had in hand when partitions moved is acknowledged, and lost.
"""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.faults.process import Worker
from tests.faults.shares import share_all
from tests.faults.stage import Stage
from tests.faults.watch import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(500)]
NAMES = ("one", "two", "three")
STORM_S = 60.0
EVERY_S = 2.0
RATE = 120
WELL_ENDED = {0, -9, -15}
"""Exit codes: told, killed, or told before it had begun to listen. No storm is a reason to end by oneself."""


@pytest.mark.parametrize("static", [False, True], ids=["members", "static members"])
def test_workers_that_come_and_go_lose_nothing(stage: Stage, static: bool) -> None:
    chance = Random(stage.seed)
    begin(stage, "one", static=static).wait_until_ready()
    with stage.traffic(rate=RATE):
        acts = storm(stage, chance, static=static)
        for name in NAMES[:2]:
            begin(stage, name, static=static)
        end(stage.worker("three", start=False), kindly=True)
        wait_until(lambda: share_all(stage, NAMES[:2]), "two workers have a share each", patience=90)
    codes = {code for worker in stage.workers.values() for code in worker.codes}
    assert codes <= WELL_ENDED, stage.last_words()
    said = "static members" if static else "members"
    verdict = stage.end(f"a storm of rebalances, {said}")
    assert verdict.invariants["I7"] == "held", f"FAULTS_SEED={stage.seed}, {acts} acts"


def storm(stage: Stage, chance: Random, *, static: bool) -> int:
    """Begin and end workers; return how often."""
    until, acts = time.monotonic() + STORM_S, 0
    while time.monotonic() < until:
        alive = [worker for worker in stage.workers.values() if worker.alive]
        if len(alive) == 1 or (len(alive) < len(NAMES) and chance.random() < 0.5):
            running = {worker.name for worker in alive}
            begin(stage, chance.choice([name for name in NAMES if name not in running]), static=static)
        else:
            end(chance.choice(alive), kindly=chance.random() < 0.5)
        acts += 1
        time.sleep(EVERY_S)
    return acts


def begin(stage: Stage, name: str, *, static: bool) -> Worker:
    """Start a worker; a static member has a name in the group that outlives it."""
    return stage.worker(name, engine__instance_id=name) if static else stage.worker(name)


def end(worker: Worker, *, kindly: bool) -> None:
    """Stop a worker, or kill it."""
    if worker.alive:
        (worker.stop if kindly else worker.kill)()

"""Fault 1: workers that are killed without warning, at moments of chance, under load."""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.faults.stage import Stage

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
KILLS = 20


def test_nothing_happens(embedded_stage: Stage) -> None:
    stage = embedded_stage
    stage.worker().wait_until_ready()
    with stage.traffic(mails=3_000, rate=400):
        pass
    stage.end("nothing happens")


def test_nothing_happens_on_kafka(stage: Stage) -> None:
    stage.worker().wait_until_ready()
    with stage.traffic(mails=3_000, rate=400):
        pass
    stage.end("nothing happens")


def test_a_worker_is_killed_twenty_times(stage: Stage) -> None:
    chance = Random(stage.seed)
    worker = stage.worker(engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=200):
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 4))
            worker.kill()
            worker.start()
    stage.end("kill -9, 20 times")

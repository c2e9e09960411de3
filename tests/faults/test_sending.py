"""Fault 1 where our own worker sends: SES is handed each attempt of a request once, whatever dies."""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.faults.stage import Stage

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
KILLS = 10


def test_nothing_happens_while_it_sends(sending_stage: Stage) -> None:
    stage = sending_stage
    stage.worker().wait_until_ready()
    with stage.traffic(mails=1_000, rate=100):
        pass
    verdict = stage.end("nothing happens, sending")
    assert verdict.kinds["mails"].duplicated == 0


def test_a_worker_that_sends_is_killed_ten_times(sending_stage: Stage) -> None:
    stage, chance = sending_stage, Random(sending_stage.seed)
    worker = stage.worker(engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=60):
        for _ in range(KILLS):
            worker.wait_until_ready()
            time.sleep(chance.uniform(0.1, 4))
            worker.kill()
            worker.start()
    verdict = stage.end("kill -9, 10 times, sending", timeout=180)
    assert verdict.kinds["mails"].duplicated == 0, f"FAULTS_SEED={stage.seed}: sent twice\n{verdict.words()}"


def test_ses_takes_mails_and_does_not_say_so(sending_stage: Stage) -> None:
    stage = sending_stage
    stage.ses.conditions(hang=0.02, fail_after=0.02)
    stage.worker().wait_until_ready()
    with stage.traffic(mails=600, rate=60):
        pass
    verdict = stage.end("SES takes a mail and does not answer", timeout=180)
    assert verdict.kinds["mails"].duplicated == 0, f"FAULTS_SEED={stage.seed}: sent twice\n{verdict.words()}"

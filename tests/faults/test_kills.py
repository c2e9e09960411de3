"""Fault 1: workers that are killed without warning, at moments of chance and at moments of choice, under load.

The broken twins are below: workers that acknowledge, commit or keep state too early, which the checker must see.
"""

from __future__ import annotations

import shutil
import time
from random import Random

import pytest

from tests.faults.rig import Rig, rigged, wait_until_quiet
from tests.faults.stage import Stage

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
KILLS = 20
MOMENTS: tuple[tuple[Rig, int], ...] = (
    (("die", "joined"), 9),
    (("die", "judged"), 9),
    (("die", "leaving"), 20),
    (("die", "published"), 15),
    (("die", "logged"), 15),
    (("die", "kept"), 15),
    (("die_committing",), 4),
    (("die", "committed"), 4),
)
"""Moments in the life of a chunk, and up to how often each passes before the worker dies."""
KILLED = -9
BROKEN: tuple[tuple[str, tuple[Rig, ...]], ...] = (
    ("acknowledges before it works", (("acknowledge_first",), ("die", "joined", 12))),
    ("acknowledges before outputs are there", (("publish_later", 2.0), ("die", "committed", 8))),
    ("writes no changelog", (("log_nothing",), ("die", "committed", 8))),
    ("keeps state before it publishes", (("keep_first",), ("die", "kept", 12))),
)


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
        for number in range(KILLS):
            if number % 2:  # the others may hit it while it starts, or reads its changelog
                worker.wait_until_ready()
            time.sleep(chance.uniform(0.1, 4))
            worker.kill()
            worker.start()
    stage.end("kill -9, 20 times")


def test_a_worker_is_killed_at_each_moment_of_a_chunks_life(stage: Stage) -> None:
    """In a hop, before and after outputs are acknowledged, the changelog written, the store, and while it commits."""
    chance = Random(stage.seed)
    worker = rigged(stage, "one", engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=200):
        worker.kill()
        for rig, most in chance.sample(MOMENTS, len(MOMENTS)):
            dies(stage, (*rig, chance.randint(1, most)))
        rigged(stage, "one").wait_until_ready()
    stage.end(f"kill -9 at {len(MOMENTS)} moments of a chunk's life")


def test_a_worker_is_killed_while_it_rebuilds_its_state(stage: Stage) -> None:
    chance = Random(stage.seed)
    worker = rigged(stage, "one", engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(rate=200):
        time.sleep(8)
        worker.kill()
        shutil.rmtree(worker.data)
        dies(stage, ("die", "recovering", 1))
        dies(stage, ("die", "recovering", chance.randint(2, 5)))
        dies(stage, ("die", "assigned", 1))
        shutil.rmtree(worker.data)
        dies(stage, ("die", "recovering", chance.randint(2, 8)))
        rigged(stage, "one").wait_until_ready()
    stage.end("kill -9 while state is rebuilt")


def test_a_worker_is_killed_while_partitions_move(stage: Stage) -> None:
    one = rigged(stage, "one", ("die", "revoked", 2))  # the first is before it has any
    one.wait_until_ready()
    with stage.traffic(rate=200):
        time.sleep(3)
        two = rigged(stage, "two")  # whereupon one must give half of its partitions back, and dies of it
        assert one.wait(30) == KILLED, stage.last_words()
        two.wait_until_ready()
        rigged(stage, "one", ("die", "assigned", 1))
        assert one.wait(30) == KILLED, stage.last_words()
        rigged(stage, "one").wait_until_ready()
    stage.end("kill -9 while partitions move")


@pytest.mark.parametrize(("what", "rigs"), BROKEN)
def test_the_checker_sees_a_killed_worker_that(stage: Stage, what: str, rigs: tuple[Rig, ...]) -> None:
    worker = rigged(stage, "one", *rigs, engine__instance_id="one")
    with stage.traffic(rate=200):
        assert worker.wait(60) == KILLED, stage.last_words()
        rigged(stage, "one", *rigs[:1])
    wait_until_quiet(stage)
    verdict = stage.verdict()
    assert not verdict.clean, f"FAULTS_SEED={stage.seed}: {what}, and nobody sees it\n{verdict.words()}"


def dies(stage: Stage, rig: Rig) -> None:
    """Start the worker with *rig*, and wait until it has died of it."""
    worker = rigged(stage, "one", rig)
    assert worker.wait(60) == KILLED, f"{rig}\n{stage.last_words()}"

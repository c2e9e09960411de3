"""SES's events on their way in, by SNS's posts and by SQS, while intakes and brokers are killed, stopped and frozen.

Each publication that SNS acknowledged must lie on the feedback topic under one id, or with its bytes among the dead
letters; nothing else may lie there; and at the end no queue may have anything left. Below are the broken twins: intakes
that answer, and delete, before Kafka has acknowledged, which the checker must see.
"""

from __future__ import annotations

import time
from random import Random
from signal import SIGTERM

import pytest

from tests.inlets.faults.conftest import MakeStage
from tests.inlets.faults.relay import Policy
from tests.inlets.faults.stage import HASTY, Stage

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
KILLS, STOPS = 10, 6
FROZEN_S = 20.0
AWAY_S = 6.0
"""Longer than the intake's patience with brokers: what waits for them is given back."""


def test_nothing_happens(stage: Stage) -> None:
    stage.intake().wait_until_ready()
    with stage.traffic():
        time.sleep(10)
    verdict = stage.end("nothing happens")
    assert not verdict.total("duplicated"), "repeated, and nobody asked for it"


def test_an_intake_is_killed_ten_times(stage: Stage) -> None:
    chance = Random(stage.seed)
    intake = stage.intake()
    intake.wait_until_ready()
    with stage.traffic():
        for number in range(KILLS):
            if number % 2:  # the others may hit it while it starts
                intake.wait_until_ready()
            time.sleep(chance.uniform(0.1, 3))
            intake.kill()
            intake.start()
        intake.wait_until_ready()
    stage.end(f"kill -9, {KILLS} times")


def test_an_intake_is_told_to_stop_again_and_again(stage: Stage) -> None:
    chance = Random(stage.seed)
    intake = stage.intake()
    with stage.traffic():
        for _ in range(STOPS):
            intake.wait_until_ready()
            time.sleep(chance.uniform(0.1, 3))
            assert intake.stop() == 0, intake.last_words()
            intake.start()
        intake.wait_until_ready()
    stage.end(f"SIGTERM, {STOPS} times")


def test_one_of_two_intakes_is_killed(stage: Stage) -> None:
    chance = Random(stage.seed)
    both = [stage.intake(name) for name in ("one", "two")]
    for intake in both:
        intake.wait_until_ready()
    with stage.traffic():
        for _ in range(KILLS):
            intake = chance.choice(both)
            intake.wait_until_ready()
            time.sleep(chance.uniform(0.1, 2))
            intake.kill()
            intake.start()
    stage.end(f"two of them, one killed, {KILLS} times")


def test_the_only_broker_is_killed(stage: Stage) -> None:
    chance = Random(stage.seed)
    intake, node = stage.intake(), stage.kafka.nodes[0]
    intake.wait_until_ready()
    with stage.traffic():
        for away in (0.0, AWAY_S):
            time.sleep(chance.uniform(1, 4))
            node.kill()
            time.sleep(away)
            node.start()
            stage.kafka.wait()
        time.sleep(3)
    stage.end("the only broker killed, twice")
    assert intake.lives == 1, "a broker that comes back is no reason to end"


def test_each_of_three_brokers_is_killed(make_stage: MakeStage) -> None:
    stage = make_stage(nodes=3)
    chance = Random(stage.seed)
    intake = stage.intake()
    intake.wait_until_ready()
    with stage.traffic():
        for node in chance.sample(stage.kafka.nodes, 3):
            time.sleep(chance.uniform(1, 3))
            node.kill()
            time.sleep(chance.uniform(1, 5))
            node.start()
            stage.kafka.wait()
    stage.end("each of three brokers killed")
    assert intake.lives == 1


def test_the_broker_is_frozen(stage: Stage) -> None:
    intake, node = stage.intake(), stage.kafka.nodes[0]
    intake.wait_until_ready()
    with stage.traffic():
        time.sleep(3)
        node.pause()
        time.sleep(FROZEN_S)
        busy = stage.relay.counts.answers["503"]
        node.go_on()
        time.sleep(3)
    stage.end(f"the broker frozen, {FROZEN_S:.0f} s")
    assert busy, f"nobody was told to come again: {stage.relay.counts.answers}"
    assert intake.lives == 1


def test_each_notification_comes_three_times(make_stage: MakeStage) -> None:
    stage = make_stage(policy=Policy(copies=3))
    stage.intake().wait_until_ready()
    with stage.traffic():
        time.sleep(15)
    verdict = stage.end("each notification three times")
    assert stage.relay.counts.repeats >= 2 * stage.relay.counts.messages
    assert not verdict.kinds["sns"].duplicated, "an intake that lives on lets none of them through twice"


def test_all_of_it_at_once(make_stage: MakeStage) -> None:
    stage = make_stage(policy=Policy(copies=2))
    chance = Random(stage.seed)
    both, node = [stage.intake(name) for name in ("one", "two")], stage.kafka.nodes[0]
    stage.keep_alive()
    with stage.traffic():
        for _ in range(2):
            chance.shuffle(both)
            both[0].kill()
            time.sleep(chance.uniform(0, 2))
            node.pause()
            time.sleep(chance.uniform(0, 6))
            node.go_on()
            stage.keep_alive()
            both[1].signal(SIGTERM)
            node.kill()
            time.sleep(chance.uniform(0, 3))
            node.start()
            stage.kafka.wait()
            assert both[1].wait() is not None, "told to stop, and does not"
            stage.keep_alive()
    stage.end("two of them and the broker killed, stopped and frozen, each notification twice")


def test_the_checker_sees_an_intake_that_answers_before_it_landed(stage: Stage) -> None:
    """It has said yes to what the frozen broker never heard, and is killed."""
    intake, node = stage.intake(launcher=HASTY), stage.kafka.nodes[0]
    intake.wait_until_ready()
    with stage.traffic():
        time.sleep(2)
        node.pause()
        time.sleep(5)
        intake.kill()
        node.go_on()
        intake.start()
        intake.wait_until_ready()
    stage.settle()
    assert stage.verdict().lost, f"FAULTS_SEED={stage.seed}: nobody sees it"


def test_the_checker_sees_an_intake_that_answers_while_the_broker_is_dead(stage: Stage) -> None:
    """It lives on, and gives up in silence what the broker did not take in time."""
    intake, node = stage.intake(launcher=HASTY), stage.kafka.nodes[0]
    intake.wait_until_ready()
    with stage.traffic():
        time.sleep(2)
        node.kill()
        time.sleep(AWAY_S)
        node.start()
        stage.kafka.wait()
    stage.settle()
    assert stage.verdict().lost, f"FAULTS_SEED={stage.seed}: nobody sees it"
    assert intake.lives == 1

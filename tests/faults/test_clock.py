"""Fault 13: workers whose clock is wrong, or jumps, and producers whose records tell of other times.

Nothing may be lost, and what waits must wait as long as the worker's clock says. The broken twin (offhand.py) forgets
feedback when its time has come.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.engine.broker import EmbeddedBroker
from tests.faults import generator
from tests.faults.hand import configure
from tests.faults.process import Worker
from tests.faults.stage import Stage
from tests.faults.telling import offhand
from tests.faults.watch import QUICK, run, stays, stops_loudly, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
RATE = 200
AHEAD, BEHIND, TOO_FAR = 50 * 60, -60 * 60, 2 * 60 * 60
"""Seconds. Apache Kafka refuses what is stamped more than an hour ahead of its own clock, where it lets us stamp it."""
JUMP_S, JUMPS, EVERY_S = 12.0, 12, 2.5
YEARS_MS = 10 * 365 * 24 * 3_600_000


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


@pytest.mark.kafka
@pytest.mark.parametrize("by", [AHEAD, BEHIND], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_loses_nothing(stage: Stage, by: int) -> None:
    """Retries fall due so long after an event's own time: where the clock is behind, they wait until it is right."""
    worker = astray(stage, by)
    with stage.traffic(mails=3_000, rate=RATE):
        pass
    time.sleep(stage.setting.park + 2)
    assert orphans(stage), "what waits for its Send waits for as long as where clocks are right"
    set_clock(stage, 0)
    stays(worker)
    stage.end(f"a worker's clock is {abs(by) // 60} minutes {'ahead' if by > 0 else 'behind'}")


@pytest.mark.kafka
def test_a_clock_that_jumps_to_and_fro_loses_nothing(stage: Stage) -> None:
    chance = Random(stage.seed)
    worker = astray(stage, 0)
    with stage.traffic(rate=RATE):
        for _ in range(JUMPS):
            set_clock(stage, chance.uniform(-JUMP_S, JUMP_S))
            time.sleep(EVERY_S)
        set_clock(stage, 0)
    stays(worker)
    stage.terms = replace(stage.terms, park=stage.terms.park - int(2 * JUMP_S * 1000))
    stage.end("a worker's clock jumps to and fro")


@pytest.mark.kafka
def test_a_clock_that_brokers_do_not_believe_stops_the_worker(stage: Stage) -> None:
    """They refuse what goes to a compacted topic, and with it nothing else counts as done."""
    worker = astray(stage, TOO_FAR)
    with stage.traffic(rate=RATE):
        stops_loudly(worker, "-changelog", "clock")
        set_clock(stage, 0)
        worker.start()
        worker.wait_until_ready()
        time.sleep(2)
    stage.end("a worker's clock is 2 hours ahead, which brokers refuse")


@pytest.mark.kafka
def test_records_that_tell_of_other_times_are_worked_on_like_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "Producer", Skewed)
    for role in ("sends", "feedback"):  # as where somebody else has made these topics
        configure(stage, stage.topics[role], {"message.timestamp.type": "CreateTime"})
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(mails=3_000, rate=RATE):
        pass
    stays(worker)
    stage.end("records stamped with other years")


def test_the_checker_sees_what_waited_and_was_forgotten(seed: int, tmp_path: Path) -> None:
    setting = replace(QUICK, kind="embedded", idempotent=False)
    with EmbeddedBroker(tmp_path / "broker.log") as broker, Stage(tmp_path / "stage", seed, broker, setting) as stage:
        offhand(stage, "dropping").wait_until_ready()
        with stage.traffic(mails=800, rate=RATE):
            pass
        stage.settle(QUICK.park + 5)
        verdict = stage.verdict()
    assert verdict.lost, f"FAULTS_SEED={seed}\n{verdict.words()}"


def orphans(stage: Stage) -> bool:
    """Tell whether all events without a Send have gone out."""
    due = {key for key, one in stage.ledger.outcomes().items() if not one.matched}
    wait_until(lambda: not stage.lag(), "all is worked on")
    return due <= stage.evidence.outcomes.keys()


class Skewed:
    """Stamps records with times of other years, or of in a while; some with none at all."""

    def __init__(self, words: dict[str, Any]) -> None:
        """Connect."""
        self._chance, self._producer = Random("times"), Producer(words)

    def produce(self, topic: str, **words: Any) -> None:
        """Publish a record."""
        now = int(time.time() * 1000)
        stamp = self._chance.choice((now, now + AHEAD * 1000, now - YEARS_MS, 1))
        self._producer.produce(topic, timestamp=stamp, **words)

    def poll(self, timeout: float) -> int:
        """Hear what was acknowledged."""
        return self._producer.poll(timeout)


def astray(stage: Stage, by: float) -> Worker:
    """Return a worker, ready, whose clock is *by* seconds ahead."""
    worker = run(stage, "one", ("-m", "tests.faults.astray", str(set_clock(stage, by))))
    worker.wait_until_ready()
    return worker


def set_clock(stage: Stage, by: float) -> Path:
    """Set the worker's clock, *by* seconds ahead; return the file that says so."""
    file, new = stage.home / "clock", stage.home / "clock.new"
    new.write_text(str(by), "utf-8")
    return new.replace(file)

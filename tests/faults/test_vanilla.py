"""The checker sees loss: stock Faust, used as its documentation teaches, is right while nothing fails, and then is not.

Nothing here is about our worker; the traffic and the checker are the same. A kill without warning is not among these
faults: the twin was seen to survive it, since what it had under way was not acknowledged either.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.stage import Setting, Stage
from tests.faults.verdict import Verdict
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
UP = "fully operational"
CAUGHT_UP_S = 120.0
SETTLED_S = 30.0
"""What has not come so long after nothing waits any more does not come: feedback waits for its Send for less."""


@pytest.fixture
def vanilla(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, Setting(twin="vanilla")) as ready:
        yield ready


def wait_until_up(stage: Stage, name: str, times: int = 1) -> None:
    worker = stage.worker(name, start=False)
    until = time.monotonic() + 90
    while worker.text().lower().count("worker ready") < times:
        assert worker.alive, stage.last_words()
        assert time.monotonic() < until, stage.last_words()
        time.sleep(0.2)


def verdict_on(stage: Stage, fault: str) -> Verdict:
    until = time.monotonic() + CAUGHT_UP_S
    while stage.lag() and time.monotonic() < until:  # what waits is not lost: only what is acknowledged can be
        time.sleep(1)
    stage.settle(SETTLED_S)
    verdict = stage.verdict()
    stage.report(fault, verdict)
    return verdict


def test_stock_faust_loses_nothing_while_nothing_happens(vanilla: Stage) -> None:
    vanilla.worker("one")
    wait_until_up(vanilla, "one")
    with vanilla.traffic(mails=2_000, rate=150):
        pass
    verdict = verdict_on(vanilla, "nothing happens")
    assert verdict.lost == verdict.wrong == 0, f"FAULTS_SEED={vanilla.seed}\n{verdict.words()}\n{vanilla.last_words()}"


def test_stock_faust_loses_what_its_handler_fails_at(vanilla: Stage) -> None:
    vanilla.worker("one", twin_raises=0.002)
    wait_until_up(vanilla, "one")
    with vanilla.traffic(mails=2_000, rate=150):
        pass
    assert verdict_on(vanilla, "a handler fails now and then").lost, f"FAULTS_SEED={vanilla.seed}"


def test_stock_faust_loses_what_is_under_way_when_workers_come_and_go(vanilla: Stage) -> None:
    chance = Random(vanilla.seed)
    vanilla.worker("one", twin_lookup_ms=10)
    wait_until_up(vanilla, "one")
    with vanilla.traffic(rate=40):
        for _ in range(8):
            vanilla.worker("two", twin_lookup_ms=10)
            time.sleep(chance.uniform(4, 7))
            vanilla.worker("two", start=False).stop()
            time.sleep(chance.uniform(1, 3))
    assert verdict_on(vanilla, "a second worker comes and goes").lost, f"FAULTS_SEED={vanilla.seed}"

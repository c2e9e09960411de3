"""Fault 16: ten times the usual traffic, a broker that stutters, and a key that everything goes to.

Memory must stay within bounds, and nothing may wait in the end. The broken twin (offhand.py) keeps every chunk: it
shows that the bound is one. Peaks go into the result.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.gauge import Gauge
from tests.faults.plot import Plot
from tests.faults.plots import PLOTS
from tests.faults.stage import Stage
from tests.faults.telling import offhand, tell
from tests.faults.watch import QUICK, stays
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
USUAL, TENFOLD = 60, 600
USUAL_S, BURST_S, STUTTER_S = 5.0, 30.0, 30.0
STEP_S = 0.5
BOUND = 300.0
"""MiB."""
HOT = "everybody@example.com"
OPENS = 300


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_ten_times_the_traffic_takes_no_more_memory_than_there_may_be(stage: Stage) -> None:
    worker = stage.worker()
    worker.wait_until_ready()
    with Gauge(worker) as gauge:
        for rate, seconds in ((USUAL, USUAL_S), (TENFOLD, BURST_S), (USUAL, USUAL_S)):
            with stage.traffic(rate=rate):
                time.sleep(seconds)
        stage.settle(120)
    stays(worker)
    end(stage, gauge, f"ten times the traffic for {BURST_S:.0f} s")


def test_a_broker_that_stutters_loses_nothing(stage: Stage, cluster: Cluster) -> None:
    """It freezes for half a second, and goes on for half a second, again and again."""
    chance, node, worker = Random(stage.seed), cluster.nodes[0], stage.worker()
    worker.wait_until_ready()
    with Gauge(worker) as gauge, stage.traffic(rate=200):
        until = time.monotonic() + STUTTER_S
        while time.monotonic() < until:
            node.pause()
            time.sleep(STEP_S * chance.uniform(0.8, 1.2))
            node.go_on()
            time.sleep(STEP_S * chance.uniform(0.8, 1.2))
    stays(worker)
    end(stage, gauge, "a broker that freezes every second, for half of it")


def test_a_key_that_everything_goes_to_is_worked_on_like_others(stage: Stage) -> None:
    """Most mails go to one recipient, and some mails are opened hundreds of times."""
    tell(stage, (*PLOTS, (to_everybody, 120), (opened_again_and_again, 0.5)))
    worker = stage.worker()
    worker.wait_until_ready()
    with Gauge(worker) as gauge, stage.traffic(mails=4_000, rate=200):
        pass
    stays(worker)
    end(stage, gauge, "a recipient and some mails that everything is about")


def test_the_bound_on_memory_is_one(stage: Stage) -> None:
    worker = offhand(stage, "hoarding")
    worker.wait_until_ready()
    with Gauge(worker) as gauge, stage.traffic(rate=USUAL):
        until = time.monotonic() + 60
        while time.monotonic() < until and (not gauge.looks or gauge.peak < BOUND):
            time.sleep(STEP_S)
    assert gauge.peak >= BOUND, f"{gauge.peak:.0f} MiB"


def to_everybody(plot: Plot) -> None:
    """Deliver a mail to the one recipient who gets most of them."""
    mail = plot.mail((HOT,))
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))


def opened_again_and_again(plot: Plot) -> None:
    """Deliver a mail that a machine opens all day."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    for number in range(OPENS):
        plot.event(mail, "OPEN", due=("OPENED", ""), after=60 + number, slot=1 + number / OPENS)


def end(stage: Stage, gauge: Gauge, fault: str) -> None:
    """Have the verdict passed, with the peak of memory in the result, and see that this is within bounds."""
    stage.notes["peak_mib"] = round(gauge.peak)
    stage.end(fault)
    assert gauge.peak < BOUND, f"FAULTS_SEED={stage.seed}: {gauge.peak:.0f} MiB"

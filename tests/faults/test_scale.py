"""Fault 2c: more workers and fewer, under load, as the chart does it: two, four, two, and the same again.

A pod that is added has its name as its name in the group and a volume of its own; one that is taken away, the highest
number first, is told to stop and never comes back, so that the group holds its partitions until its session is over.
The second time one pod finds its old volume (`whenScaled: Retain`) and one an empty one (`Delete`). The broken twin
takes its old volume for whole, and reads nothing of what others have written to the changelog since.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.faults.process import Worker
from tests.faults.rig import rigged, wait_until_quiet
from tests.faults.shares import share_all
from tests.faults.stage import Stage
from tests.faults.watch import QUICK, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
FEW, MANY, RATE = 2, 4, 200
IN_ORDER = 0
WORK_S = 2.0


@pytest.mark.parametrize("standbys", [0, 1], ids=["no standbys", "a standby each"])
def test_workers_that_are_added_and_taken_away_lose_nothing(
    cluster: Cluster, seed: int, tmp_path: Path, standbys: int
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as stage:
        pods = [pod(stage, number, standbys) for number in range(FEW)]
        for worker in pods:
            worker.wait_until_ready()
        added: list[float] = []
        held: list[float] = []
        with stage.traffic(rate=RATE):
            for whole in (False, True):
                added += [adds(stage, number, standbys) for number in range(FEW, MANY)]
                held += [takes_away(stage, number) for number in reversed(range(FEW, MANY))]
                if not whole:
                    shutil.rmtree(stage.worker("pod-3", start=False).data)
        stage.notes |= {"ready_s": added, "held_s": held}
        stage.end(f"{FEW} workers, {MANY}, {FEW}, twice, {'a standby' if standbys else 'no standby'} each")


def test_the_checker_sees_a_worker_that_takes_its_old_volume_for_whole(stage: Stage) -> None:
    pod(stage, 0, 0).wait_until_ready()
    rigged(stage, "pod-1", engine__instance_id="pod-1").wait_until_ready()
    with stage.traffic(rate=RATE):
        wait_until(lambda: share_all(stage, names(2)), "two workers have a share each")
        time.sleep(WORK_S)
        takes_away(stage, 1)
        time.sleep(WORK_S)
        rigged(stage, "pod-1", ("read_nothing",)).wait_until_ready()
        time.sleep(WORK_S)
    wait_until_quiet(stage)
    verdict = stage.verdict()
    assert not verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


def adds(stage: Stage, number: int, standbys: int) -> float:
    """Add a pod; return after how many seconds each has a share and works."""
    began = time.monotonic()
    pod(stage, number, standbys).wait_until_ready()
    wait_until(lambda: share_all(stage, names(number + 1)), f"{number + 1} workers have a share each", patience=90)
    took = time.monotonic() - began
    time.sleep(WORK_S)
    return round(took, 1)


def takes_away(stage: Stage, number: int) -> float:
    """Take the last pod away for good; return for how many seconds nobody had its partitions."""
    assert stage.worker(f"pod-{number}", start=False).stop() == IN_ORDER, stage.last_words()
    began = time.monotonic()
    wait_until(lambda: share_all(stage, names(number)), f"{number} workers have a share each", patience=90)
    return round(time.monotonic() - began, 1)


def pod(stage: Stage, number: int, standbys: int) -> Worker:
    """Start a worker as the chart does: its name is its name in the group."""
    return stage.worker(f"pod-{number}", engine__instance_id=f"pod-{number}", engine__standbys=standbys)


def names(count: int) -> list[str]:
    """Return the names of the first pods."""
    return [f"pod-{number}" for number in range(count)]

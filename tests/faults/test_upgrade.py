"""Fault 17: workers of an older version give way to today's on the same disk, and today's to the older, under load.

What the older version keeps on its disk has another form. Today's notices, says so, and rebuilds it from the changelog;
the older one was not so far, and ends with an error until its disk is cleared, which loses nothing. The broken twin is
a worker whose state is not in the changelog (careless.py): with it, an upgrade loses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.conftest import Need
from tests.faults.plots import PLOTS, odd_key
from tests.faults.process import Worker
from tests.faults.setting import OURS
from tests.faults.stage import ROOT, Stage
from tests.faults.telling import tell
from tests.faults.watch import CARELESS, QUICK, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
OLDER = "fa3b5c6"
"""The last version whose stores have form 1. FAULTS_OLDER names another commit."""
RATE = 200
STORIES = [(told, weight) for told, weight in PLOTS if told is not odd_key]
"""The older version has records without keys set aside; today's does not."""
REBUILT = "wiped and rebuilt from its changelog"
"""Is in what a worker logs that finds state of another form."""


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


@pytest.fixture
def older(tmp_path: Path, need: Need) -> Path:
    commit = os.environ.get("FAULTS_OLDER", OLDER)
    packed = subprocess.run(
        ["git", "archive", commit, "streams", "schemas"], cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    need(not packed.returncode, f"the repository's history does not reach back to {commit}")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "older", filter="data")
    return tmp_path / "older"


def test_an_older_version_is_replaced_and_comes_back(stage: Stage, older: Path) -> None:
    tell(stage, STORIES)
    worker = stage.worker(start=False)
    run(worker, older)
    with stage.traffic(rate=RATE):
        works(stage, worker)
        assert worker.stop() == 0, stage.last_words()
        rebuilds(stage, worker)
        assert worker.stop() == 0, stage.last_words()
        run(worker, older)
        assert worker.wait(60), f"the older version takes the newer one's state for its own:\n{stage.last_words()}"
        shutil.rmtree(worker.data)
        run(worker, older)
        works(stage, worker)
        assert worker.stop() == 0, stage.last_words()
        rebuilds(stage, worker)
    stage.end("an older version, today's, the older one, today's")


def test_both_versions_share_a_group(stage: Stage, older: Path) -> None:
    """As in a rolling upgrade: partitions move from one to the other, and back."""
    tell(stage, STORIES)
    one, two = stage.worker("one", start=False), stage.worker("two", start=False)
    run(one, older)
    with stage.traffic(rate=RATE):
        works(stage, one)
        run(two, None)
        works(stage, two)
        assert one.stop() == 0, stage.last_words()
        run(one, None)
        works(stage, one)
    stage.end("an older version and today's in one group")


def test_state_that_is_on_a_disk_alone_does_not_outlive_an_upgrade(stage: Stage, older: Path) -> None:
    tell(stage, STORIES)
    worker = stage.worker(start=False)
    worker._words = (CARELESS, "unlogged")
    worker.start()
    with stage.traffic(rate=RATE):
        works(stage, worker)
        time.sleep(2)
        worker.stop()
        shutil.rmtree(worker.data)
        run(worker, older)
        works(stage, worker)
    stage.settle(10)
    verdict = stage.verdict()
    assert not verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


def run(worker: Worker, home: Path | None) -> None:
    """Start a worker of the version at *home*; today's where it is None."""
    worker._words = OURS if home is None else ("-P", *OURS)  # or Python would find today's in this directory first
    worker._environment["PYTHONPATH"] = str(ROOT if home is None else home)
    worker.start()


def rebuilds(stage: Stage, worker: Worker) -> None:
    """Have today's version take over: it says that it rebuilds what it finds, and works."""
    before = len(worker.text())
    run(worker, None)
    works(stage, worker)
    said = worker.text()[before:]
    assert REBUILT in said, said


def works(stage: Stage, worker: Worker, outcomes: int = 300) -> None:
    """Wait until a worker is ready, and has published some outcomes since."""
    worker.wait_until_ready()
    published = count(worker)
    wait_until(lambda: count(worker) >= published + outcomes, f"it works:\n{stage.last_words()}")


def count(worker: Worker) -> float:
    """Return how many outcomes a worker says that it has published."""
    return sum((worker.page() or {}).get("ses_outcomes_total", {}).values())

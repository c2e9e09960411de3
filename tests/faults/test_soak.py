"""Fault 18: nothing happens, for long: memory, open files and threads must not grow.

FAULTS_SOAK_SECONDS says for how long. What the second half took is held against the first, after a while to warm up;
both are in the result. The broken twin (offhand.py) keeps every chunk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.faults.gauge import Gauge, Look
from tests.faults.stage import Stage
from tests.faults.telling import offhand
from tests.faults.watch import QUICK, stays
from tests.kafka.cluster import Cluster

SECONDS = float(os.environ.get("FAULTS_SOAK_SECONDS", "180"))
RATE = 80
WARM = 0.25
"""The part of the time that does not count."""
TWINS_S = 60.0
GROWTH = 1.15
MORE_MIB = 10.0
MORE_FILES, MORE_THREADS = 12, 3
"""RocksDB opens files as it writes them, and merges them."""
pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(SECONDS + 300)]


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


def test_a_worker_takes_no_more_as_time_goes_by(stage: Stage) -> None:
    worker = stage.worker()
    worker.wait_until_ready()
    with Gauge(worker) as gauge, stage.traffic(rate=RATE):
        time.sleep(SECONDS)
    stays(worker)
    first, second = gauge.halves(SECONDS * WARM)
    stage.notes |= {"peak_mib": round(gauge.peak), "halves": [summed(first), summed(second)]}
    stage.end(f"soak, {SECONDS:.0f} s")
    assert not grown(first, second), f"FAULTS_SEED={stage.seed}: {stage.notes}"


def test_a_worker_that_keeps_every_chunk_is_seen_to_grow(stage: Stage) -> None:
    worker = offhand(stage, "hoarding")
    worker.wait_until_ready()
    with Gauge(worker) as gauge, stage.traffic(rate=RATE):
        time.sleep(TWINS_S)
    assert "memory" in grown(*gauge.halves(TWINS_S * WARM))


def grown(first: list[Look], second: list[Look]) -> set[str]:
    """Return what has grown between two halves by more than it may."""
    was, now = summed(first), summed(second)
    bounds = {
        "memory": was["memory"] * GROWTH + MORE_MIB,
        "files": was["files"] + MORE_FILES,
        "threads": was["threads"] + MORE_THREADS,
    }
    return {name for name, bound in bounds.items() if now[name] > bound}


def summed(looks: list[Look]) -> dict[str, float]:
    """Return what was taken in the middle."""
    return {name: round(median(getattr(look, name) for look in looks), 1) for name in ("memory", "files", "threads")}

"""Standbys: a worker that dies is replaced by one that has its state already; nothing is lost between the two roles."""

from __future__ import annotations

import random
import re
import subprocess

import pytest

from tests.engine.conftest import Bench
from tests.engine.test_worker import amounts, places, read_sums, sums

RECORDS = 3_000
NEAR = 0.1
"""Of the changelog a takeover may have to read: what was on its way to the standby when the other died."""


def start(bench: Bench, name: str) -> subprocess.Popen[bytes]:
    """Start a worker with a disk of its own; small chunks make a long changelog."""
    return bench.start(data_dir=str(bench.data_dir / name), standbys=1, chunk_records=20)


def to_read(bench: Bench, worker: subprocess.Popen[bytes]) -> list[int]:
    """Return how many changelog offsets each recovery of a worker had to read."""
    found = re.findall(r"recovering (\d+) partitions: (\d+) changelog offsets to read", bench.log(worker))
    return [int(offsets) for _, offsets in found]


def wait_until_it_follows(bench: Bench, worker: subprocess.Popen[bytes]) -> None:
    bench.wait_for(lambda: "standing by for 1 partitions" in bench.log(worker), worker)


def test_a_takeover_reads_only_what_the_standby_had_not_read(bench: Bench) -> None:
    fed = amounts(RECORDS), amounts(RECORDS, seed=2)
    first = start(bench, "first")
    bench.wait_until_running(first)
    second = start(bench, "second")
    for worker in (first, second):
        wait_until_it_follows(bench, worker)
    bench.feed("a", fed[0])
    bench.wait_until_committed(RECORDS)
    bench.wait_for(lambda: "has caught up" in bench.log(second), second)
    written = len(bench.read(bench.changelog))
    assert written > RECORDS / 2
    first.kill()
    bench.feed("b", fed[1])
    bench.wait_until_committed(2 * RECORDS, second)
    assert to_read(bench, second)[-1] <= written * NEAR
    assert bench.stop(second) == 0
    assert bench.outputs() == places(bench)
    assert read_sums(bench.folded_changelog()) == sums(*fed)
    bench.data_dir = bench.data_dir / "second"
    assert read_sums(bench.stored()) == sums(*fed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_partition_that_goes_to_and_fro_between_a_lane_and_a_standby_loses_nothing(bench: Bench, seed: int) -> None:
    chance, fed = random.Random(seed), [amounts(500, seed=seed * 100 + turn) for turn in range(8)]
    names = ["first", "second"]
    workers = {name: start(bench, name) for name in names}
    for turn, part in enumerate(fed):
        bench.feed("ab"[turn % 2], part)
        name = chance.choice(names)
        if chance.random() < 0.5:
            workers[name].kill()
            workers[name].wait()
        else:
            assert bench.stop(workers[name]) in {0, -15}, bench.log(workers[name])
        if chance.random() < 0.5:
            other = workers[names[1 - names.index(name)]]
            bench.wait_until_committed(sum(map(len, fed[: turn + 1])), other)
        workers[name] = start(bench, name)
        bench.wait_until_running(workers[name])
    bench.wait_until_committed(sum(map(len, fed)))
    home = bench.data_dir
    assert bench.stop(workers["first"]) == 0
    bench.wait_for(lambda: to_read(bench, workers["second"])[-1:] != [], workers["second"])
    assert bench.stop(workers["second"]) == 0
    assert bench.outputs() == places(bench)
    expected = sums(*fed)
    assert read_sums(bench.folded_changelog()) == expected
    last = start(bench, "first")  # alone: both partitions are its own, from whatever it was to each of them
    bench.wait_until_running(last)
    assert bench.stop(last) == 0
    bench.data_dir = home / "first"
    assert read_sums(bench.stored()) == expected

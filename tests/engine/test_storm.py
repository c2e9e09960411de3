"""Workers that come, go and die at random while records keep coming; in the end all is there. Slow: about a minute."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from typing import Self

import pytest

from tests.engine.conftest import Bench
from tests.engine.test_worker import amounts, places, read_sums, sums
from tests.kafka.cluster import Cluster

SLOTS = 3
ACTS = 14
SETTLED = "up to date"


class Feeder(threading.Thread):
    """Feeds a thousand records at a time, to one topic and the other, until told to stop."""

    def __init__(self, bench: Bench, seed: int) -> None:
        super().__init__()
        self.bench = bench
        self.seed = seed
        self.fed: list[list[tuple[bytes, bytes]]] = []
        self.enough = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        self.join()

    def run(self) -> None:
        while not self.enough.wait(0.2):
            part = amounts(1_000, seed=self.seed * 1_000 + len(self.fed))
            self.bench.feed("ab"[len(self.fed) % 2], part)
            self.fed.append(part)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 5])
def test_nothing_is_lost_in_a_storm_of_kills_stops_and_rebalances(bench: Bench, seed: int) -> None:
    chance, home = random.Random(seed), bench.data_dir
    with Feeder(bench, seed) as feeder:
        for worker in filter(None, storm(bench, chance)):
            end(worker, bench, kindly=True)
    last = bench.start(data_dir=str(home / "0"))
    bench.wait_until_running(last)
    bench.wait_until_committed(sum(map(len, feeder.fed)), last)
    assert bench.stop(last) == 0
    assert bench.outputs() == places(bench)
    bench.data_dir = home / "0"
    assert read_sums(bench.stored()) == read_sums(bench.folded_changelog()) == sums(*feeder.fed)
    assert not [log for log in map(bench.log, bench.workers) if "were not fetched" in log]


def storm(bench: Bench, chance: random.Random) -> list[subprocess.Popen[bytes] | None]:
    """Start and end workers at random; return those that are left.

    On the embedded broker each act waits for the group to settle after the one before: where a member dies while it
    joins, that broker keeps it as the group's leader for ever, and nobody works again. Apache Kafka does not, and there
    workers come and go in the midst of a rebalance, too.
    """
    waits = not isinstance(bench.broker, Cluster)
    slots: list[subprocess.Popen[bytes] | None] = [None] * SLOTS
    for _ in range(ACTS):
        slot = chance.randrange(SLOTS)
        worker, slots[slot] = slots[slot], None
        settled = {each.pid: bench.log(each).count(SETTLED) for each in filter(None, slots)}
        if worker is None:
            slots[slot] = bench.start(data_dir=str(bench.data_dir / str(slot)), chunk_records=200)
        else:
            end(worker, bench, kindly=chance.random() < 0.5)
        for each in filter(None, slots if waits else ()):
            wait_until_settled(bench, each, settled.get(each.pid, 0))
        time.sleep(chance.choice([0.1, 0.3, 1]))
    return slots


def wait_until_settled(bench: Bench, worker: subprocess.Popen[bytes], before: int) -> None:
    """Wait until a worker has its share of the partitions once more than *before*."""
    bench.wait_for(lambda: bench.log(worker).count(SETTLED) > before, worker)


def end(worker: subprocess.Popen[bytes], bench: Bench, *, kindly: bool) -> None:
    """End a worker one way or the other; one that is told kindly ends well (-15: it had not begun to listen)."""
    if kindly:
        assert bench.stop(worker) in {0, -15}, bench.log(worker)
    else:
        worker.kill()
        worker.wait()

"""Workers that come, go and die at random while records keep coming; in the end all is there. Slow: about a minute."""

from __future__ import annotations

import random
import subprocess
import threading
import time

import pytest

from tests.engine.conftest import Bench
from tests.engine.test_worker import amounts, places, read_sums, sums

SLOTS = 3
ACTS = 22


class Feeder(threading.Thread):
    """Feeds a thousand records at a time, to one topic and the other, until told to stop."""

    def __init__(self, bench: Bench, seed: int) -> None:
        super().__init__()
        self.bench = bench
        self.seed = seed
        self.fed: list[list[tuple[bytes, bytes]]] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.wait(0.2):
            part = amounts(1_000, seed=self.seed * 1_000 + len(self.fed))
            self.bench.feed("ab"[len(self.fed) % 2], part)
            self.fed.append(part)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 5])
def test_nothing_is_lost_in_a_storm_of_kills_stops_and_rebalances(bench: Bench, seed: int) -> None:
    chance, home = random.Random(seed), bench.data_dir
    feeder = Feeder(bench, seed)
    feeder.start()
    slots: list[subprocess.Popen[bytes] | None] = [None] * SLOTS
    for _ in range(ACTS):
        slot = chance.randrange(SLOTS)
        worker = slots[slot]
        if worker is None:
            slots[slot] = bench.start(data_dir=str(home / str(slot)), chunk_records=200)
        else:
            assert worker.poll() is None, bench.log(worker)
            slots[slot] = None
            end(worker, bench, kindly=chance.random() < 0.5)
        time.sleep(chance.choice([0.5, 1, 2, 4]))
    feeder.enough.set()
    feeder.join()
    for worker in filter(None, slots):
        end(worker, bench, kindly=True)
    last = bench.start(data_dir=str(home / "0"))
    bench.wait_until_running(last)
    bench.wait_until_committed(sum(map(len, feeder.fed)), last)
    assert bench.stop(last) == 0
    assert bench.outputs() == places(bench)
    bench.data_dir = home / "0"
    assert read_sums(bench.stored()) == read_sums(bench.folded_changelog()) == sums(*feeder.fed)
    assert not [log for log in map(bench.log, bench.workers) if "were not fetched" in log]


def end(worker: subprocess.Popen[bytes], bench: Bench, *, kindly: bool) -> None:
    """End a worker one way or the other; one that is told kindly ends well (-15: it had not begun to listen)."""
    if kindly:
        assert bench.stop(worker) in {0, -15}, bench.log(worker)
    else:
        worker.kill()
        worker.wait()

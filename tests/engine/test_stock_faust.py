"""What Faust as it comes does with a record that was not worked off, and what this engine does in the same place.

Faust commits past it: the record is lost. Should one of the first two tests fail one day, Faust has mended that, and
what the engine does instead can be looked at again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import PATIENCE_S, Bench

STOCK = Path(__file__).with_name("stock.py")
COUNT, BAD = 20, 7
RECORDS = [(b"k", b"%d" % number) for number in range(COUNT)]
"""Of one key: they lie in one partition, and a record's value is its offset."""


@pytest.fixture
def fed(bench: Bench) -> Bench:
    bench.feed("a", RECORDS)
    return bench


def stock(bench: Bench, at: str, concurrency: int = 1) -> subprocess.Popen[bytes]:
    order = {
        "broker": bench.broker.address,
        "group": bench.group,
        "data_dir": str(bench.data_dir),
        "topic": bench.topics["a"],
        "value": str(BAD),
        "reached": str(reached(bench)),
        "at": at,
        "concurrency": concurrency,
    }
    with (bench.logs / f"worker-{len(bench.workers)}.log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, str(STOCK), json.dumps(order)], stdout=log, stderr=log)
    bench.workers.append(worker)
    return worker


def reached(bench: Bench) -> Path:
    return bench.logs / "reached"


def committed(bench: Bench) -> int:
    return max(bench.committed().values())


def place(bench: Bench) -> str:
    """Return where the one record is, as the toy names it."""
    (partition,) = [number for (topic, number), end in bench.ends().items() if topic == bench.topics["a"] and end]
    return f"a/{partition}/{BAD}"


def test_stock_faust_commits_past_a_record_whose_handler_raised(fed: Bench) -> None:
    worker = stock(fed, "raise")
    fed.wait_for(lambda: committed(fed) == COUNT, worker)
    assert reached(fed).exists()


def test_stock_faust_commits_past_a_record_that_is_still_worked_on(fed: Bench) -> None:
    worker = stock(fed, "hang", concurrency=2)
    fed.wait_for(lambda: committed(fed) == COUNT, worker)
    assert reached(fed).exists()


def test_this_engine_keeps_a_record_whose_hop_raised(fed: Bench) -> None:
    worker = fed.start(hop_args={"fail_at": place(fed)}, chunk_records=1)
    assert worker.wait(PATIENCE_S) == 1
    assert committed(fed) == BAD


def test_this_engine_keeps_a_record_whose_work_was_cut_short_by_a_stop(fed: Bench) -> None:
    worker = fed.start(hang=BAD + 1, chunk_records=1, stop_timeout=2_000)
    fed.wait_for(lambda: committed(fed) == BAD, worker)
    fed.stop(worker)
    assert committed(fed) == BAD


def test_this_engine_commits_nothing_past_a_record_that_is_still_worked_on(fed: Bench) -> None:
    worker = fed.start(hang=BAD + 1, chunk_records=1, stop_timeout=2_000)
    fed.wait_for(lambda: committed(fed) == BAD, worker)
    fed.feed("a", RECORDS)
    fed.wait_for(lambda: fed.log(worker).count("recovery") > 0, worker)
    worker.kill()
    worker.wait()
    assert committed(fed) == BAD
    successor = fed.start()
    fed.wait_until_committed(2 * COUNT, successor)
    assert fed.stop(successor) == 0
    assert len(fed.outputs()) == 2 * COUNT

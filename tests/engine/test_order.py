"""The order among a hop's outputs, where it has one: what must stand first stands, whenever the worker dies."""

from __future__ import annotations

import pytest

from streams.engine.app import ChunkApp
from streams.errors import BadSettings
from tests.engine.conftest import Bench
from tests.engine.test_guards import config
from tests.engine.test_worker import amounts
from tests.engine.toy import Twofold

RECORDS = 200
ASKED = {"hop": "twofold", "inputs": ["a"], "outputs": ["out", "b"], "first": ["b"]}


def test_what_must_stand_first_is_acknowledged_before_anything_else_leaves(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    doomed = bench.start(die=("sent", 1), chunk_records=RECORDS, **ASKED)
    assert doomed.wait(60) == -9
    assert bench.read(bench.topics["b"])
    assert bench.read(bench.topics["out"]) == []
    worker = bench.start(**ASKED)
    bench.wait_until_committed(RECORDS, worker)
    assert bench.stop(worker) == 0
    assert set(bench.read(bench.topics["b"])) == set(bench.read(bench.topics["out"])) == set(amounts(RECORDS))


def test_outputs_without_an_order_leave_side_by_side(bench: Bench) -> None:
    bench.feed("a", amounts(RECORDS))
    doomed = bench.start(die=("sent", 1), chunk_records=RECORDS, **{**ASKED, "first": []})
    assert doomed.wait(60) == -9
    assert set(bench.read(bench.topics["b"])) == set(bench.read(bench.topics["out"])) != set()


def test_only_an_output_can_stand_first() -> None:
    engine = ChunkApp(config(), {"a": "ses.a", "out": "ses.out"})
    with pytest.raises(BadSettings):
        engine.add_hop(Twofold(), ["a"], ["out"], "t", first=["a"])

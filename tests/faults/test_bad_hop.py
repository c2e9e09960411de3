"""Fault 9: a hop that fails at one record, as a fault of ours would have it that nobody has found yet.

The broken twin acknowledges what failed and goes on, which is what stock Faust does (its issue 606 too).
"""

from __future__ import annotations

from random import Random

import pytest

from tests.faults.hand import reading
from tests.faults.rig import Rig, rigged
from tests.faults.stage import Stage
from tests.faults.watch import stops_loudly

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 200
GONE_S = 8.0
"""What has not come so long after the last record does not come."""


@pytest.mark.parametrize("role", ["feedback", "outcomes"])
def test_a_hop_that_fails_at_one_record_stops_there_and_loses_nothing(stage: Stage, role: str) -> None:
    """It stops there each time it is started, and acknowledges nothing past it, until the fault is mended."""
    partition, offset, fault = a_record(stage, role)
    place = f"{stage.topics[role]}/{partition}"
    worker = rigged(stage, "one", fault, engine__instance_id="one")
    worker.wait_until_ready()
    with stage.traffic(mails=3_000, rate=RATE):
        for _ in range(2):
            said = stops_loudly(worker, f"{place} offsets ", "RuntimeError")
            first, last = map(int, said.partition(" offsets ")[2].partition(":")[0].split(".."))
            assert first <= offset <= last, said
            assert committed(stage, role, partition) <= offset
            worker.start()
        worker.wait()
    rigged(stage, "one")
    stage.end(f"a hop fails at one record of {role}")


def test_the_checker_sees_a_worker_that_passes_over_what_failed(stage: Stage) -> None:
    _, _, fault = a_record(stage, "feedback")
    rigged(stage, "one", fault, ("pass_over",)).wait_until_ready()
    with stage.traffic(mails=1_500, rate=RATE):
        pass
    stage.settle(GONE_S)
    verdict = stage.verdict()
    assert verdict.lost, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


def a_record(stage: Stage, role: str) -> tuple[int, int, Rig]:
    """Choose a record by its place; return its partition, its offset, and the rig that fails at it."""
    chance = Random(stage.seed)
    partition, offset = chance.randrange(stage.setting.partitions), chance.randrange(20, 250)
    return partition, offset, ("fail", role, partition, offset)


def committed(stage: Stage, role: str, partition: int) -> int:
    """Return the offset behind what is acknowledged."""
    topic = stage.topics[role]
    with reading(stage, [topic]) as reader:
        return reader.committed([topic])[topic, partition]

"""Fault 9: a hop that fails at one record, as a fault of ours would have it that nobody has found yet.

The broken twin acknowledges what failed and goes on, which is what stock Faust does (its issue 606 too).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.hand import reading
from tests.faults.rig import Rig, rigged, wait_until_quiet
from tests.faults.stage import Setting, Stage
from tests.faults.test_vanilla import wait_until_up
from tests.faults.watch import started_again, stops_loudly
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 200


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
    wait_until_quiet(stage)
    verdict = stage.verdict()
    assert verdict.lost, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


@pytest.fixture
def vanilla(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, Setting(twin="vanilla")) as ready:
        yield ready


@pytest.mark.parametrize("concurrency", [1, 4])
def test_stock_faust_passes_over_what_its_agent_fails_at(vanilla: Stage, concurrency: int) -> None:
    """The record is acknowledged, and what became of a mail is never said."""
    _, offset, _ = a_record(vanilla, "feedback")  # of each partition: not every event is one that matters
    worker = vanilla.worker("one", twin_fails_at=offset, twin_concurrency=concurrency)
    wait_until_up(vanilla, "one")
    with started_again(vanilla):  # its supervisor gives up when it has failed too often
        with vanilla.traffic(mails=1_000, rate=150):
            pass
        wait_until_quiet(vanilla, 15)
    verdict = vanilla.verdict()
    vanilla.report(f"an agent fails at one record of each partition, concurrency {concurrency}", verdict)
    assert "a fault that nobody has found yet" in worker.text(), vanilla.last_words()
    assert verdict.lost, f"FAULTS_SEED={vanilla.seed}\n{verdict.words()}"


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

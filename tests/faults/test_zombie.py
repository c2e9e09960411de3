"""Fault 4: a worker that is frozen beyond its session, another takes over, and the frozen one wakes up: a zombie.

Which batches are the zombie's is read from the broker's own files. The broken twin is one that writes without asking
whether the group still counts on it.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.pids import Written, batches
from tests.faults.process import Worker
from tests.faults.rig import Rig, rigged
from tests.faults.shares import share_all
from tests.faults.stage import Stage
from tests.faults.watch import wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
RATE = 200
OUTPUTS = ("outcomes", "suppressions", "retries", "dead-letters")
AWAKE_S = 8.0
"""For how long traffic goes on when the zombie has woken up."""


@pytest.mark.parametrize("into", ["outcomes", "lives-changelog"])
def test_a_frozen_worker_that_wakes_up_writes_nothing_more(stage: Stage, cluster: Cluster, into: str) -> None:
    """It is frozen at the worst moment: a batch is queued, and leaves as soon as it wakes."""
    found = wakes_up(stage, cluster.nodes[0].data, ("freeze_sending", into, 40))
    assert not found, f"FAULTS_SEED={stage.seed}: a zombie wrote {len(found)} batches, first {found[0]}"
    assert all(worker.alive for worker in stage.workers.values()), stage.last_words()
    assert stage.settle(), f"FAULTS_SEED={stage.seed}: not all is committed\n{stage.lag()}\n{stage.last_words()}"
    stage.end(f"a worker is frozen with a batch for {into} in hand, and wakes up when another has taken over")


def test_a_zombie_that_asks_nobody_is_seen(stage: Stage, cluster: Cluster) -> None:
    assert wakes_up(stage, cluster.nodes[0].data, ("freeze_sending", "outcomes", 40), ("ask_nobody",)), (
        stage.last_words()
    )


def wakes_up(stage: Stage, data: Path, *rigs: Rig) -> list[Written]:
    """Freeze a worker, let another take over, wake it up; return what it has written from then on, as it was before."""
    zombie = rigged(stage, "zombie", *rigs)
    zombie.wait_until_ready()
    with stage.traffic(rate=RATE):
        wait_until(lambda: is_frozen(zombie), "the worker freezes itself")
        before = written(stage, data)
        heir = stage.worker("heir")
        heir.wait_until_ready()  # it gets partitions when the zombie's session is over, and not before
        wait_until(lambda: share_all(stage, ["heir"]), "the heir has it all")
        time.sleep(2)
        until = ends(written(stage, data))
        theirs = {one.producer for one in before}
        zombie.go_on()
        time.sleep(AWAKE_S)
    after = [one for one in written(stage, data) if one.offset >= until.get((one.topic, one.partition), 0)]
    return [one for one in after if one.producer in theirs]


def written(stage: Stage, data: Path) -> list[Written]:
    """Return every batch that workers have written."""
    return list(batches(data, [*(stage.topics[role] for role in OUTPUTS), *stage.changelogs]))


def ends(found: list[Written]) -> dict[tuple[str, int], int]:
    """Return, by partition, the offset behind the last batch's first record."""
    return {(one.topic, one.partition): one.offset + 1 for one in found}


def is_frozen(worker: Worker) -> bool:
    """Tell whether a process stands still."""
    stat = Path(f"/proc/{worker.pid}/stat")
    return worker.pid is not None and stat.read_text().rpartition(")")[2].split()[0] == "T"

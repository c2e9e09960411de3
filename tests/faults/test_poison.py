"""Fault 7: poison of all sorts in all inputs, under load: set aside byte for byte, and written back once mended.

The broken twins (offhand.py) pass poison over, or set aside however much of it there is; the last tests show that both
are seen.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.engine.broker import EmbeddedBroker
from tests.faults.plots import PLOTS, poison
from tests.faults.registry import FOREIGN, Registry
from tests.faults.setting import environment, named
from tests.faults.stage import Stage
from tests.faults.telling import POISONS, foreign, offhand, tell
from tests.faults.watch import QUICK, stays, stops_loudly, wait_until
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
RATE = 250
LEFT_OUT = 1
"""The exit code of a replay that leaves letters out."""
FLOOD = (*PLOTS, (poison, 20))


@pytest.fixture
def stage(cluster: Cluster, seed: int, tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as ready:
        yield ready


@pytest.fixture
def embedded_stage(seed: int, tmp_path: Path) -> Iterator[Stage]:
    setting = replace(QUICK, kind="embedded", idempotent=False)
    with EmbeddedBroker(tmp_path / "broker.log") as broker, Stage(tmp_path / "stage", seed, broker, setting) as ready:
        yield ready


@pytest.mark.kafka
def test_poison_of_all_sorts_is_set_aside_and_its_neighbours_flow(stage: Stage) -> None:
    tell(stage, (*PLOTS, *POISONS))
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(mails=5_000, rate=RATE):
        pass
    stays(worker)
    assert {role for role, _, _ in stage.ledger.letters()} == {"sends", "feedback", "outcomes", "instructions"}
    stage.end("poison of all sorts in all inputs")


@pytest.mark.kafka
def test_letters_that_are_written_back_once_mended_count_once(stage: Stage) -> None:
    """A registry comes to know an id; what was set aside for it is written back, and once more, to no effect."""
    tell(stage, (*PLOTS, (foreign, 1.5)))
    with Registry(stage.prefix) as registry:
        known = registry.schemas.pop(FOREIGN)
        worker = stage.worker(schema_registry__url=registry.url)
        worker.wait_until_ready()
        with stage.traffic(mails=3_000, rate=RATE):
            pass
        wait_until(lambda: not stage.lag(), "all is worked on", patience=120)
        assert stage.evidence.letters.keys() >= set(stage.ledger.letters())
        worker.stop()
        registry.schemas[FOREIGN] = known
        worker.start()
        worker.wait_until_ready()
        assert replay(stage, registry) == LEFT_OUT, "an id of nobody's stays unknown"
        wait_until(lambda: not stage.lag(), "all that was written back is worked on", patience=120)
        assert replay(stage, registry) == LEFT_OUT
        verdict = stage.end("poison, mended and written back twice")
    assert verdict.kinds["outcomes"].duplicated == 0, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


@pytest.mark.kafka
def test_a_flood_of_poison_stops_the_worker_until_an_operator_allows_it(stage: Stage) -> None:
    tell(stage, FLOOD)
    worker = stage.worker()
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        said = stops_loudly(worker, "BY_MESSAGE gave up", "offset", "ses-streams dead-letters list --stage BY_MESSAGE")
        assert "@" not in said
        stage.worker("allowed", dead_letters__max_share=1).wait_until_ready()
    with stage.traffic(mails=1_000, rate=RATE):
        pass
    stays(stage.worker("allowed", start=False))
    stage.end("a flood of poison stops the worker; an operator allows it")


def test_the_checker_sees_poison_that_is_passed_over(embedded_stage: Stage) -> None:
    stage = embedded_stage
    tell(stage, (*PLOTS, *POISONS))
    offhand(stage, "quiet").wait_until_ready()
    with stage.traffic(mails=1_500, rate=RATE):
        pass
    stage.settle(5)
    verdict = stage.verdict()
    assert verdict.kinds["dead letters"].lost, f"FAULTS_SEED={stage.seed}\n{verdict.words()}"


def test_a_worker_without_a_limit_sets_a_flood_aside(embedded_stage: Stage) -> None:
    """Here `stops_loudly` would wait in vain: the limit alone stops the worker."""
    stage = embedded_stage
    tell(stage, FLOOD)
    worker = offhand(stage, "agape")
    worker.wait_until_ready()
    with stage.traffic(mails=1_500, rate=RATE):
        pass
    assert stage.settle(60), f"FAULTS_SEED={stage.seed}\n{stage.last_words()}"
    stays(worker)


def replay(stage: Stage, registry: Registry) -> int:
    """Write back what was set aside for a schema that nobody knew; return the command's exit code."""
    words = ("dead-letters", "replay", "--reason", "UNKNOWN_SCHEMA", "--yes")
    done = subprocess.run(
        [sys.executable, "-m", "streams", *words],
        env=environment() | stage._variables() | named({"schema_registry__url": registry.url}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, LEFT_OUT), done.stdout + done.stderr
    return done.returncode

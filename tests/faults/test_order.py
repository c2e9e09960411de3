"""Fault 12: each record three times and far out of order: the end is the one that order would have brought.

The same stories are told twice, to two stages: once in order and each record once, once shuffled over hundreds of
stories and threefold. What stands at the end (who is suppressed, and why; how far each mail got with whom; the ids of
outcomes) must be the same. The broken twins (offhand.py): an event that comes again counts again; feedback does not
wait for its Send; the last word wins, and not the furthest.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from streams.engine.broker import EmbeddedBroker
from tests.faults import generator
from tests.faults import plot as plotting
from tests.faults.plot import Plot
from tests.faults.plots import HOUR, PLOTS, poison
from tests.faults.stage import Broker, Setting, Stage
from tests.faults.tables import read_tables
from tests.faults.telling import offhand, tell
from tests.faults.verdict import Verdict
from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(500)]
MAILS, RATE = 3_000, 250
YEARS = 3 * 365 * 24 * HOUR
PATIENT = Setting(park=15)
FAR = 400
"""Stories among which records are reordered; at this rate that is less than feedback waits for its Send."""
_HEAD = struct.Struct(">BBqqHHH")


def out_of_office(plot: Plot) -> None:
    """Deliver it; a machine answers it afterwards."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.bounce(mail, means="AUTO_REPLIED", said="Transient/General", after=40)


def complained_years_later(plot: Plot) -> None:
    """Deliver it; the recipient complains three years later, of which the Send tells too."""
    mail = plot.mail(plot.people(), ago=YEARS)
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), after=YEARS // 1000, complaint_type="abuse")
    plot.stands(mail.people, mail, "COMPLAINT")


STORIES = (
    *((told, weight) for told, weight in PLOTS if told is not poison),
    (out_of_office, 4),
    (complained_years_later, 2),
)


@dataclass(frozen=True, slots=True)
class End:
    """What stands at the end; *lives* without the times at which a worker read things."""

    suppressions: dict[bytes, Any]
    outcomes: set[tuple[Any, ...]]
    retries: set[tuple[str, str, int]]
    lives: dict[bytes, bytes]


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Broker]:
    with EmbeddedBroker(tmp_path / "broker.log") as broker:
        yield broker


@pytest.mark.kafka
def test_threefold_and_shuffled_ends_as_once_and_in_order(
    cluster: Cluster, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = int(time.time() * 1000)
    in_order(monkeypatch)
    with Stage(tmp_path / "ordered", seed, cluster, PATIENT) as stage:
        stage.worker()
        ordered = told(stage, seed, began, "in order, once")
    shuffled_and_threefold(monkeypatch)
    with Stage(tmp_path / "shuffled", seed + 1_000_000, cluster, PATIENT) as stage:
        stage.worker()
        shuffled = told(stage, seed, began, "shuffled, each record three times")
    differences = compared(ordered, shuffled)
    assert not differences, f"FAULTS_SEED={seed}: {differences}"


@pytest.mark.parametrize("how", ["forgetful", "pushy", "swayed"])
def test_order_and_repeats_show_in_a_worker_that_is(
    embedded: Broker, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    shuffled_and_threefold(monkeypatch)
    began, setting = int(time.time() * 1000), replace(PATIENT, kind="embedded", idempotent=False)
    ends, said = list[End](), list[Verdict]()
    with ExitStack() as stages:
        for number in range(2):
            stage = stages.enter_context(Stage(tmp_path / str(number), seed + number * 1_000_000, embedded, setting))
            tell(stage, STORIES, began, seed)
            offhand(stage, how).wait_until_ready()
            with stage.traffic(mails=600, rate=RATE):
                pass
            stage.settle(15)
            said.append(stage.verdict())
            ends.append(end_of(stage))
    seen = {"forgetful": said[1].kinds["outcomes"].duplicated, "pushy": said[1].wrong}
    assert seen.get(how, 0) or compared(*ends), f"FAULTS_SEED={seed}: {how}, and nobody sees it\n{said[1].words()}"


def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each record come once, a story after another."""
    monkeypatch.setattr(plotting, "COPIES", 0.0)
    monkeypatch.setattr(plotting, "MORE_COPIES", 0.0)
    monkeypatch.setattr(generator, "WINDOW", 0)


def shuffled_and_threefold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each record come three times, hundreds of stories away from where it belongs."""
    monkeypatch.setattr(plotting, "COPIES", 0.0)
    monkeypatch.setattr(plotting, "MORE_COPIES", 1.0)
    monkeypatch.setattr(generator, "WINDOW", FAR)
    monkeypatch.setattr(generator, "LATER", 2.0)


def told(stage: Stage, seed: int, began: int, fault: str) -> End:
    """Have the stories told, and the verdict on them passed; return what stands at the end."""
    tell(stage, STORIES, began, seed)
    stage.worker(start=False).wait_until_ready()
    with stage.traffic(mails=MAILS, rate=RATE):
        pass
    stage.end(fault)
    return end_of(stage)


def end_of(stage: Stage) -> End:
    """Return what stands at the end; no worker may be alive."""
    evidence = stage.evidence
    worker = stage.worker(start=False)
    lives: dict[bytes, bytes] = {}
    for table in read_tables(worker.name, worker.data / stage.group, ["lives"]):
        lives |= {key: timeless(value) for key, value in table.values.items()}
    said = {(key, s["outcome_id"], s["kind"], s["reason"]) for key, all_ in evidence.outcomes.items() for s in all_}
    return End(evidence.suppressions, said, set(evidence.retries), lives)


def timeless(life: bytes) -> bytes:
    """Return a stored life without when its first and its last record were read: these are times of the clock."""
    version, flags, _, _, *counts = _HEAD.unpack_from(life)
    return _HEAD.pack(version, flags, 0, 0, *counts) + life[_HEAD.size :]


def compared(one: End, other: End) -> list[str]:
    """Return the names of what differs, with how much of it does."""
    found = []
    for name in ("suppressions", "outcomes", "retries", "lives"):
        mine, theirs = getattr(one, name), getattr(other, name)
        differing = mine ^ theirs if isinstance(mine, set) else _unequal(mine, theirs)
        if differing:
            found.append(f"{len(differing)} of {len(mine)} {name}")
    return found


def _unequal(one: dict[bytes, Any], other: dict[bytes, Any]) -> set[bytes]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}

"""The front door: what a worker's lanes tell, and how it becomes metrics."""

from __future__ import annotations

from collections import Counter

import pytest

from streams.app import Note
from streams.engine.route import Timings
from streams.observe.fingerprint import Fingerprints
from streams.observe.metrics import Metrics
from streams.observe.recent import Recent
from streams.pipeline import Effects
from tests.builders import CODEC, NOON

HARD = ("ses_suppressions", "HARD_BOUNCE")


def suppressed(metrics: Metrics) -> float:
    """Return how many are said to be suppressed for a hard bounce."""
    return metrics.values("ses_suppressions")["HARD_BOUNCE",]


def test_what_stands_in_a_table_is_counted_when_its_partition_comes_and_taken_back_when_it_goes() -> None:
    metrics = Metrics()
    note = Note(metrics)
    note.counted("by_recipient", 0, Counter({HARD: 5}))
    note.counted("by_recipient", 1, Counter({HARD: 2}))
    assert suppressed(metrics) == 7
    note.done("by_recipient", 0, Effects(counts=Counter({HARD: 3})), Timings())
    note.done("by_recipient", 1, Effects(counts=Counter({HARD: -1})), Timings())
    assert suppressed(metrics) == 9
    note.counted("by_recipient", 0, None)
    assert suppressed(metrics) == 1
    note.counted("by_recipient", 0, Counter({HARD: 8}))
    assert suppressed(metrics) == 9


def test_a_partition_that_goes_before_it_was_counted_takes_nothing_along() -> None:
    metrics = Metrics()
    Note(metrics).counted("by_recipient", 0, None)
    assert suppressed(metrics) == 0


def test_the_edges_of_the_work_are_the_first_chunks_beginning_and_the_last_ones_end() -> None:
    metrics = Metrics()
    note = Note(metrics)
    note.done("by_message", 0, Effects(), Timings())  # a wake is no chunk
    assert set(metrics.values("ses_chunk_timestamp_seconds").values()) == {0.0}
    note.done("by_message", 0, Effects(), Timings(appended_at=1, work=5.0))
    first = metrics.values("ses_chunk_timestamp_seconds")
    assert first["last",] - first["first",] == pytest.approx(5.0)
    note.done("by_message", 0, Effects(), Timings(appended_at=1))
    then = metrics.values("ses_chunk_timestamp_seconds")
    assert then["first",] == first["first",]
    assert then["last",] >= first["last",]


def test_what_a_chunk_said_of_people_is_heard_by_the_page() -> None:
    recent = Recent(CODEC, Fingerprints(), lambda: NOON)
    said = Effects()
    said.emit("suppressions", b"ann@example.com", None)
    Note(Metrics(), recent).done("by_recipient", 0, said, Timings())
    assert [notice.address for notice in recent.notices(named=True)] == ["ann@example.com"]

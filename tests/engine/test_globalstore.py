"""The copy of a topic on disk: values and positions in one write, and nothing of another topic's."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.engine import globalstore
from streams.engine.globalstore import NOWHERE, GlobalStore
from streams.engine.rocks import Tuning
from streams.errors import WorldFailed

TUNING = Tuning(8 << 20, 8 << 20, 1)


def opened(path: Path, topic: str = "t") -> GlobalStore:
    return GlobalStore(path / "copy", TUNING, topic)


def test_values_and_positions_are_there_after_closing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(0, [b"a", b"b", None], [b"1", b"", b"no row"], position=7, now=10)
    store.apply(300, [b"c", b"a"], [b"3", None], position=9, now=11)
    store.close()
    store = opened(tmp_path)
    assert store.recall([b"c", b"a", b"b"]) == [b"3", None, b""]
    assert [store.mark(at)[:2] for at in (0, 300)] == [(7, 10), (9, 11)]
    assert store.mark(1) == NOWHERE
    assert store.knows(300, b"a", None)
    assert not store.knows(0, b"a", None)
    store.close()


def test_a_key_is_found_whichever_partition_its_producer_chose(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(5, [b"k"], [b"elsewhere"], position=1, now=0)
    assert store.recall([b"k"]) == [b"elsewhere"]
    assert store.recall([]) == []
    store.apply(2, [b"k"], [None], position=1, now=0)
    assert store.recall([b"k"]) == [None]


def test_a_run_without_records_moves_the_position_and_keeps_what_was_known(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(0, [b"k"], [b"1"], position=1, now=0)
    store.apply(0, [], [], position=2, now=5)
    assert store.mark(0)[:2] == (2, 5)
    assert store.knows(0, b"k", b"1")


def test_a_copy_of_another_topic_or_of_another_format_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(tmp_path)
    store.apply(0, [b"k"], [b"1"], position=1, now=0)
    store.close()
    store = opened(tmp_path, "another")
    assert (store.recall([b"k"]), store.mark(0)) == ([None], NOWHERE)
    store.apply(0, [b"k"], [b"1"], position=1, now=0)
    store.close()
    monkeypatch.setattr(globalstore, "FORMAT", 99)
    store = opened(tmp_path, "another")
    assert (store.recall([b"k"]), store.mark(0)) == ([None], NOWHERE)
    assert caplog.text.count("reading it anew") == 2


def test_a_copy_that_another_process_holds_is_not_wiped(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(0, [b"k"], [b"1"], position=1, now=0)
    with pytest.raises(WorldFailed, match="lock"):
        opened(tmp_path)
    assert store.recall([b"k"]) == [b"1"]


def test_a_wiped_copy_begins_at_nothing_and_can_be_used_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply(0, [b"k"], [b"1"], position=1, now=0)
    store.wipe()
    assert (store.recall([b"k"]), store.mark(0)) == ([None], NOWHERE)
    store.apply(0, [b"k"], [b"2"], position=1, now=0)
    assert store.recall([b"k"]) == [b"2"]

"""The disk in memory is RocksDB for all that the real `Store` can see, and loses in a crash what RocksDB may lose."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.rocks import Tuning
from streams.engine.store import Store
from tests.simulation.disk import Disks, Files, in_place_of_rocksdb

TUNING = Tuning(8 << 20, 8 << 20, 1)
keys = st.sampled_from([b"a", b"b", b"c", b"dd", b""])
rows = st.dictionaries(keys, st.none() | st.sampled_from([b"", b"1", b"22"]), max_size=4)
wakes = st.lists(st.tuples(st.integers(0, 50), st.lists(keys, min_size=1, max_size=3)), max_size=3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), rows, wakes),
        st.tuples(st.just("apply"), rows),
        st.tuples(st.just("settle")),
        st.tuples(st.just("due"), st.integers(0, 60), st.integers(1, 4)),
        st.tuples(st.just("reopen")),
        st.tuples(st.just("disarm")),
        st.tuples(st.just("wipe")),
    ),
    max_size=14,
)


def life(home: Path, told: list[tuple[Any, ...]]) -> list[Any]:
    """Let a store live, and return all that can be seen of it after each step."""
    store, seen = Store(home / "db", TUNING), list[Any]()
    fired: list[bytes] = []
    for now, (what, *words) in enumerate(told):
        match what:
            case "keep":
                writes, wake = words
                position = store.position + len(writes) if writes else None
                store.keep(dict(writes), position=position, wake=wake, fired=fired, now=now)
                fired = []
            case "apply":
                store.apply(list(words[0]), list(words[0].values()), store.position + len(words[0]), now)
                fired = []
            case "settle":
                store.settle(now)
            case "due":
                due = store.due(*words)
                fired = due.entries
                seen.append(due)
            case "reopen":
                store.close()
                store, fired = Store(home / "db", TUNING), []
            case _:
                getattr(store, what)()
                fired = []
        seen.append((store.position, store.kept_at, store.last, store.recall([b"a", b"b", b"c", b"dd", b""])))
        seen.append([value for part in store.values(2) for value in part])
    store.close()
    return seen


@settings(max_examples=60)
@given(steps)
def test_a_store_sees_no_difference_between_rocksdb_and_the_disk_in_memory(told: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as real:
        expected = life(Path(real), told)
    with in_place_of_rocksdb(Disks(Random(0))):
        assert life(Path("/nowhere"), told) == expected


def written(count: int, *, logged: bool) -> Files:
    """Return files with a row for each of *count* writes."""
    files = Files()
    for number in range(count):
        files.take([("put", "", b"%d" % number, b"x")], logged=logged)
    return files


def test_what_went_by_the_log_outlives_its_process_and_the_last_of_it_not_its_machine() -> None:
    files = written(3, logged=True)
    files.die(Random(0))
    assert set(files.safe[""]) == {b"0", b"1", b"2"}
    files = written(3, logged=True)
    files.die(Random(0), lost=2)
    assert set(files.safe[""]) == {b"0"}


def test_what_went_beside_the_log_outlives_a_process_only_as_far_as_it_was_flushed() -> None:
    left = set()
    for seed in range(50):
        files = written(3, logged=False)
        files.die(Random(seed))
        left.add(len(files.safe[""]))
    assert left == {0, 1, 2, 3}
    files = written(2, logged=False)
    files.flush()
    files.die(Random(0), lost=5)
    assert set(files.safe[""]) == {b"0", b"1"}


def test_a_write_is_whole_or_not_there() -> None:
    for seed in range(50):
        files = Files()
        files.take([("put", "", b"a", b"1"), ("put", "meta", b"b", b"2")], logged=False)
        files.die(Random(seed))
        assert cast("Any", len(files.safe[""])) == len(files.safe["meta"])

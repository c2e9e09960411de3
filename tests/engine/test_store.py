"""A partition's state: all of it or none of it in one write, timers in the order of time, and damage noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.rocks import CONDEMNED, Tuning, guarded
from streams.engine.store import Store
from streams.engine.timers import entry_due, entry_key, pack_keys, unpack_keys
from streams.errors import WorldFailed

TUNING = Tuning(8 << 20, 8 << 20, 1)


def opened(path: Path) -> Store:
    return Store(path / "db", TUNING)


@given(st.lists(st.binary(max_size=300)))
def test_packed_keys_come_back(keys: list[bytes]) -> None:
    assert unpack_keys(pack_keys(keys)) == keys


@given(st.lists(st.tuples(st.integers(0, 2**45), st.integers(0, 2**20))))
def test_entries_lie_in_the_order_of_time(entries: list[tuple[int, int]]) -> None:
    keys = sorted(entry_key(due, number) for due, number in entries)
    assert [entry_due(key) for key in keys] == sorted(due for due, _ in entries)


def test_a_timer_entry_that_is_cut_short_is_no_entry() -> None:
    with pytest.raises(ValueError, match="cut short"):
        unpack_keys(pack_keys([b"abc", b"def"])[:-1])


def test_what_was_kept_is_there_after_closing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1", b"b": b"2"}, position=7, wake=[(50, [b"a"])], now=10)
    store.keep({b"b": None}, position=8, now=11)
    store.close()
    store = opened(tmp_path)
    assert store.recall([b"b", b"a", b"c"]) == [None, b"1", None]
    assert (store.position, store.kept_at) == (8, 11)
    assert store.due(50, 10).keys == [b"a"]
    assert store.knows(b"b", None)
    assert not store.knows(b"b", b"")


def test_keys_are_due_oldest_first_up_to_a_limit_and_each_once(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({}, wake=[(30, [b"c", b"a"]), (10, [b"a", b"b"]), (20, [b"d"])], now=0)
    assert store.due(9, 100).keys == []
    first = store.due(100, 2)
    assert first.keys == [b"a", b"b"]
    store.keep({}, fired=first.entries, now=0)
    rest = store.due(100, 100)
    assert rest.keys == [b"d", b"c", b"a"]
    store.keep({}, fired=rest.entries, wake=[(5, [b"e"])], now=0)
    assert store.due(100, 100).keys == [b"e"]  # though earlier than all that were fired


def test_two_timers_of_one_time_do_not_overwrite_each_other_even_after_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({}, wake=[(10, [b"a"]), (10, [b"b"])], now=0)
    store.close()
    store = opened(tmp_path)
    store.keep({}, wake=[(10, [b"c"])], now=0)
    assert store.due(10, 100).keys == [b"a", b"b", b"c"]


def test_an_applied_changelog_leaves_its_living_keys_to_be_looked_at(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.apply([b"a", b"b", b"a", b"c", None], [b"1", b"2", b"3", None, b"4"], position=9, now=5)
    assert store.recall([b"a", b"b", b"c"]) == [b"3", b"2", None]
    assert sorted(store.due(5, 100).keys) == [b"a", b"b"]
    assert store.position == 9


def test_state_that_another_process_holds_is_not_wiped(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, now=0)
    with pytest.raises(WorldFailed, match="lock"):
        opened(tmp_path)
    assert store.recall([b"a"]) == [b"1"]


def test_damage_met_in_the_midst_of_work_condemns_the_state(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, now=0)
    with pytest.raises(WorldFailed, match="Corruption"), guarded(store.path):
        raise Exception("Corruption: block checksum mismatch")  # noqa: TRY002 # as rocksdict does
    store.close()
    assert (tmp_path / "db" / CONDEMNED).exists()
    store = opened(tmp_path)
    assert store.rebuilt
    assert (store.position, store.recall([b"a"])) == (0, [None])


def test_a_missing_file_of_the_database_is_noticed(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(2_000):
        store.keep({b"%d" % number: b"x" * 50}, position=number + 1, now=0)
    store._db.flush(0)
    store.close()
    for table in (tmp_path / "db").glob("*.sst"):
        table.unlink()
    store = opened(tmp_path)
    assert store.rebuilt
    assert store.position == 0


def test_a_damaged_block_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"%d" % number: b"x" * 50 for number in range(2_000)}, position=2_000, now=0)
    store.settle(0)
    store.close()
    for table in (tmp_path / "db").glob("*.sst"):
        content = table.read_bytes()
        table.write_bytes(content[: len(content) // 2] + b"garbage" * 9 + content[len(content) // 2 + 63 :])
    store = opened(tmp_path)
    assert store.rebuilt
    assert store.position == 0


def test_state_of_another_format_is_rebuilt(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store._mark = store._mark._replace(format=99)
    store.keep({b"a": b"1"}, position=1, now=0)
    store.close()
    store = opened(tmp_path)
    assert (store.position, store.recall([b"a"])) == (0, [None])
    store.keep({b"a": b"2"}, position=1, now=0)
    assert store.recall([b"a"]) == [b"2"]

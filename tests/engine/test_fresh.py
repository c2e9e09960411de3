"""What a lane has kept and RocksDB does not have yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.engine.fresh import EACH, WAIT_MS, Fresh
from streams.engine.rocks import Tuning
from streams.engine.store import Store
from streams.errors import WorldFailed

TUNING = Tuning(8 << 20, 8 << 20, 1)
NOW = 1_000_000


def opened(path: Path) -> Store:
    store = Store(path / "db", TUNING)
    store.settle(NOW)
    return store


def on_disk(store: Store) -> dict[bytes, bytes]:
    return dict(cast("Any", store._db.values.items()))


def test_it_is_read_at_once_and_written_a_second_later(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1", b"b": b"2"}, position=2, now=NOW)
    store.keep({b"b": None}, position=3, now=NOW + 1)
    assert store.recall([b"a", b"b", b"c"]) == [b"1", None, None]
    assert store.position == 3
    store.write_out(NOW + WAIT_MS - 1)
    assert on_disk(store) == {}
    store.write_out(NOW + WAIT_MS)
    assert on_disk(store) == {b"a": b"1"}
    assert store.recall([b"a", b"b", b"c"]) == [b"1", None, None]


def test_much_of_it_is_written_at_once(tmp_path: Path) -> None:
    store = opened(tmp_path)
    count = TUNING.fresh_bytes // (1_000 + EACH) + 1
    many: dict[bytes, bytes | None] = {b"%d" % number: bytes(1_000) for number in range(count)}
    store.keep(many, position=len(many), now=NOW)
    assert on_disk(store) == many


def test_a_clock_that_is_set_back_holds_nothing_back(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, now=NOW)
    store.keep({b"b": b"2"}, position=2, now=NOW - 60_000)
    assert on_disk(store) == {b"a": b"1", b"b": b"2"}


def test_a_timer_comes_due_though_it_is_not_written_yet(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert store.due(NOW, 10).keys == []
    store.keep({b"a": b"1"}, position=1, wake=[(NOW + 50, [b"a"])], now=NOW)
    assert store.next_due == NOW + 50
    assert store.due(NOW + 49, 10).keys == []
    assert store.due(NOW + 50, 10).keys == [b"a"]


def test_a_timer_that_fired_is_ended_at_once_and_with_it_all_is_written(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, wake=[(NOW + 50, [b"a"])], now=NOW)
    fired = store.due(NOW + 50, 10).entries
    store.keep({b"b": b"2"}, position=2, fired=fired, now=NOW + 50)
    assert on_disk(store) == {b"a": b"1", b"b": b"2"}
    assert store.due(NOW + 60, 10).keys == []


@pytest.mark.parametrize("then", ["settle", "disarm", "close", "values", "apply"])
def test_whatever_else_happens_to_a_store_writes_it_first(tmp_path: Path, then: str) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, now=NOW)
    match then:
        case "apply":
            store.apply([b"b"], [b"2"], 2, NOW)
            assert store.recall([b"a", b"b"]) == [b"1", b"2"]
        case "values":
            assert list(store.values(10)) == [[b"1"]]
        case "settle":
            store.settle(NOW)
        case _:
            getattr(store, then)()
    if then == "close":
        store = Store(tmp_path / "db", TUNING)
    assert on_disk(store)[b"a"] == b"1"


def test_a_disk_that_refuses_the_last_of_it_does_not_keep_a_store_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, now=NOW)

    def refuse(*_: Any) -> None:
        raise WorldFailed("no space left")

    monkeypatch.setattr(store, "_write", refuse)
    store.close()
    assert "read again from the changelog" in caplog.text
    store = Store(tmp_path / "db", TUNING)
    assert (store.position, on_disk(store)) == (0, {})


def test_what_a_disk_refused_goes_with_the_next_write_and_no_mark_without_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    real, store._db.values = store._db.values, cast("Any", Refusing())
    store.keep({b"a": b"1"}, position=1, now=NOW)
    with pytest.raises(WorldFailed, match="No space left"):
        store.write_out(NOW + WAIT_MS)
    store._db.values = real
    store.settle(NOW + WAIT_MS)
    assert (store.position, on_disk(store)) == (1, {b"a": b"1"})


class Refusing:
    """A database that takes nothing."""

    def write(self, *_: Any) -> None:
        raise Exception("IO error: No space left on device")  # noqa: TRY002 - rocksdict knows no other class


def test_a_store_that_is_wiped_forgets_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({b"a": b"1"}, position=1, now=NOW)
    store.wipe()
    assert store.recall([b"a"]) == [None]
    store.settle(NOW)
    assert on_disk(store) == {}


@given(st.lists(st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d"]), st.none() | st.binary(max_size=2))))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reads_see_every_write_wherever_it_lies(chunks: list[dict[bytes, bytes | None]]) -> None:
    fresh, disk, truth = Fresh(EACH * 3), dict[bytes, bytes | None](), dict[bytes, bytes | None]()

    def read(keys: list[bytes]) -> list[bytes | None]:
        return [disk.get(key) for key in keys]

    for number, writes in enumerate(chunks):
        now = NOW + number * WAIT_MS // 4
        fresh.keep(writes, [], now)
        truth.update(writes)
        if fresh.is_ripe(now):
            disk.update(fresh.waiting[0])
            fresh.written()
        keys = [b"d", b"a", b"c", b"b"]
        assert fresh.recall(keys, read) == [truth.get(key) for key in keys]

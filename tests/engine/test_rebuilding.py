"""A store while it is rebuilt: what a kill leaves, what must be durable before a lane begins, and timers come back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from streams.engine import arming as module
from streams.engine.recovery import _say
from streams.engine.rocks import Tuning
from streams.engine.store import Store
from streams.engine.timers import Foresee, at_once

TUNING = Tuning(8 << 20, 8 << 20, 1)
RUN, KEYS = 500, 3_000
"""Records a run, and different keys: so that most are written again and again, and some are deleted."""
DOOMED = """
import os, sys
from tests.engine.test_rebuilding import applied, opened
from pathlib import Path
store = opened(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    applied(store, number)
if sys.argv[3].startswith("keep"):
    store.keep({b"kept": b"after"}, position=store.position + 1, now=5)
if sys.argv[3].endswith("write out"):
    store.write_out(now=1_005)
if sys.argv[3].endswith("ten minutes"):
    store.write_out(now=600_005)
os.kill(os.getpid(), 9)
"""


def opened(path: Path, foresee: Foresee = at_once) -> Store:
    return Store(path / "db", TUNING, foresee)


def run(number: int) -> tuple[list[bytes], list[bytes | None]]:
    """Return the records of a run; every seventh is a deletion."""
    keys = [b"key-%d" % (at * 7919 % KEYS) for at in range(number * RUN, (number + 1) * RUN)]
    values = [None if at % 7 == 0 else b"%d-" % (number * RUN + at) + bytes(1_000) for at in range(RUN)]
    return keys, values


def applied(store: Store, number: int) -> None:
    store.apply(*run(number), position=(number + 1) * RUN, now=1)


def folded(runs: int) -> dict[bytes, bytes]:
    rows: dict[bytes, bytes | None] = {}
    for number in range(runs):
        rows.update(zip(*run(number), strict=True))
    return {key: value for key, value in rows.items() if value is not None}


def rows(store: Store) -> dict[bytes, bytes]:
    return dict(cast("Iterator[tuple[bytes, bytes]]", store._db.values.items()))


def killed(path: Path, runs: int, then: str = "") -> None:
    done = subprocess.run([sys.executable, "-c", DOOMED, str(path), str(runs), then], check=False)
    assert done.returncode == -9


def test_a_kill_leaves_a_store_as_a_shorter_changelog_would_have_left_it(tmp_path: Path) -> None:
    killed(tmp_path, 60)  # 30 MB: some of it was written out, the rest was in memory
    store = opened(tmp_path)
    assert not store.rebuilt
    assert RUN <= store.position < 60 * RUN
    assert rows(store) == folded(store.position // RUN)
    assert store.last == store.position - 1
    keys, values = run(store.position // RUN - 1)
    assert store.knows(keys[-1], values[-1])


@pytest.mark.parametrize("then", ["keep", "keep and write out"])
def test_what_was_applied_is_durable_before_anything_is_kept(tmp_path: Path, then: str) -> None:
    killed(tmp_path, 3, then)
    store = opened(tmp_path)
    assert store.position == 3 * RUN  # what was kept last is still in the changelog
    assert rows(store) == folded(3)


def test_a_store_that_is_written_seldom_is_written_out_every_ten_minutes(tmp_path: Path) -> None:
    killed(tmp_path, 3, "keep, and again after ten minutes")
    store = opened(tmp_path)
    assert store.position == 3 * RUN + 1
    assert rows(store) == {**folded(3), b"kept": b"after"}


def test_a_store_that_is_closed_in_the_midst_of_a_rebuild_goes_on_from_there(tmp_path: Path) -> None:
    store = opened(tmp_path)
    applied(store, 0)
    store.close()
    store = opened(tmp_path)
    assert (store.position, store.kept_at) == (RUN, 1)
    applied(store, 1)
    store.settle(now=9)
    assert store.kept_at == 9
    assert rows(store) == folded(2)


def test_a_store_that_catches_up_is_as_old_as_when_it_began(tmp_path: Path) -> None:
    store = opened(tmp_path)
    applied(store, 0)
    store.settle(now=100)
    store.apply([b"a"], [b"1"], position=RUN + 1, now=200)
    assert store.kept_at == 100  # what was deleted since, and compacted away, it may still hold
    store.vouch(now=300)
    store.apply([b"b"], [b"1"], position=RUN + 2, now=400)
    assert store.kept_at == 300


def by_length(values: Sequence[bytes], now: int) -> list[int]:
    return [len(value) for value in values]


def drained(store: Store, now: int, limit: int = 10) -> list[bytes]:
    """Return all keys that are handed out by *now*, in order, as often as they are."""
    found: list[bytes] = []
    while store.next_due <= now:
        due = store.due(now, limit)
        found += due.keys
        store.keep({}, fired=due.entries, now=now)
    return found


def test_after_a_rebuild_each_key_is_woken_once_and_when_its_value_says(tmp_path: Path) -> None:
    store = opened(tmp_path, by_length)
    keys = [b"%04d" % number for number in range(5_000)]
    for _ in range(3):
        store.apply(keys, [b"x" * (100 + number % 50) for number in range(5_000)], position=5_000, now=0)
    store.settle(now=0)
    assert drained(store, 99) == []
    early = drained(store, 109)
    assert early == [key for at in range(10) for key in keys if int(key) % 50 == at]
    assert sorted(early + drained(store, 1_000)) == keys


def test_timers_come_back_bit_by_bit_and_go_on_after_a_restart(tmp_path: Path) -> None:
    store = opened(tmp_path, by_length)
    keys = [b"%06d" % number for number in range(module.ARM_KEYS * 3)]
    store.apply(keys, [b"123"] * len(keys), position=len(keys), now=0)
    store.settle(now=0)
    first = store.due(3, 100_000)
    assert first.keys == keys[: module.ARM_KEYS]
    store.keep({}, fired=first.entries, now=3)
    store.close()
    store = opened(tmp_path, by_length)
    assert store.next_due == 0
    store.apply([keys[5], keys[-5]], [b"1234", b"1234"], position=len(keys) + 2, now=3)  # before it and after
    store.settle(now=3)
    assert drained(store, 3) == [key for key in keys[module.ARM_KEYS :] if key != keys[-5]]
    assert sorted(drained(store, 4, limit=1)) == sorted([keys[5], keys[-5]])
    assert store.next_due > 4


def test_a_standby_has_no_timers_and_gets_them_when_it_is_a_lanes(tmp_path: Path) -> None:
    store = opened(tmp_path, by_length)
    store.keep({b"a": b"1"}, position=1, wake=[(1, [b"a"])], now=0)
    store.disarm()
    for position in range(2, 9):
        store.apply([b"b"], [b"22"], position=position, now=0)
    assert list(store._db.timers.items()) == []
    store.settle(now=0)
    assert drained(store, 100) == [b"a", b"b"]


def test_a_first_look_after_a_restart_does_not_step_over_all_that_has_fired(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.keep({}, wake=[(number, [b"%d" % number]) for number in range(1, 1_001)], now=0)
    due = store.due(900, 10_000)
    store.keep({}, fired=due.entries, now=0)
    store.close()
    store = opened(tmp_path)
    assert store._timers.first == due.entries[-1]
    assert store.due(901, 10).keys == [b"901"]
    store.keep({}, wake=[(5, [b"early"])], now=0)
    store.close()
    store = opened(tmp_path)
    assert store.due(10, 10).keys == [b"early"]


def test_a_long_recovery_says_how_far_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    _say(whole=3_000_000, left=1_000_000, seconds=5.0)
    _say(whole=10, left=10, seconds=5.0)
    assert caplog.messages == [
        "recovering: 2000000 of 3000000 records, 400000/s, about 2 s left",
        "recovering: 0 of 10 records, 0/s, no end in sight",
    ]

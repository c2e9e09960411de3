"""Whatever happens to the files of a store: it is a shorter changelog's, or wiped, or says so; never wrong in silence.

No broker: the changelog is a list, and bringing a store up to date is what `recovery` does with it.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.engine.fresh import WAIT_MS
from streams.engine.rocks import CONDEMNED, Tuning, guarded, remove, walk
from streams.engine.store import Store
from streams.errors import WorldFailed

TUNING = Tuning(8 << 20, 8 << 20, 1)
LENGTH = 4_000
Damage = Callable[[Path], object]


def record(offset: int) -> tuple[bytes, bytes | None]:
    key = b"key-%d" % (offset * 7919 % 1_000)
    return key, None if offset % 11 == 0 else b"%d-" % offset + bytes(200)


def folded(length: int) -> dict[bytes, bytes]:
    rows = dict(map(record, range(length)))
    return {key: value for key, value in rows.items() if value is not None}


def opened(path: Path) -> Store:
    return Store(path, TUNING)


def caught_up(store: Store, length: int) -> None:
    """Apply what a store has not, as recovery does."""
    while store.position < length:
        end = min(store.position + 100, length)
        keys, values = zip(*map(record, range(store.position, end)), strict=True)
        store.apply(keys, values, position=end, now=1)
    store.settle(now=1)


def rows(store: Store) -> dict[bytes, bytes]:
    with guarded(store.path):
        return dict(walk(store._db.values))


def lived(path: Path) -> None:
    """Leave a store behind that was rebuilt, and then kept by a lane: some of it in tables, some in the log only."""
    store = opened(path)
    caught_up(store, LENGTH // 2)
    for offset in range(LENGTH // 2, LENGTH):
        key, value = record(offset)
        store.keep({key: value}, position=offset + 1, wake=[(offset, [key])], now=1)
    store.close()


def brought_back(path: Path) -> Store:
    """Open a store and bring it up to date; where it stops with words about itself, start again, once."""
    said = first_start(path)
    if isinstance(said, Store):
        return said
    assert str(path) in said
    store = opened(path)
    assert store.rebuilt, said
    caught_up(store, LENGTH)
    return store


def first_start(path: Path) -> Store | str:
    """Return the store, or the words with which it stops; whatever was open then is closed with its process."""
    try:
        store = opened(path)
        try:
            caught_up(store, LENGTH)
            rows(store)  # what is damaged shows when it is read
        except WorldFailed:
            store.close()
            raise
    except WorldFailed as why:
        return str(why)
    return store


def files(path: Path, pattern: str) -> list[Path]:
    found = sorted(path.glob(pattern))
    assert found, pattern
    return found


def gone(pattern: str) -> Damage:
    def damage(path: Path) -> None:
        for file in files(path, pattern):
            file.unlink()

    return damage


def cut(pattern: str, share: float) -> Damage:
    def damage(path: Path) -> None:
        for file in files(path, pattern):
            os.truncate(file, int(file.stat().st_size * share))

    return damage


def noise(pattern: str) -> Damage:
    return lambda path: [file.write_bytes(os.urandom(file.stat().st_size)) for file in files(path, pattern)]


DAMAGES: dict[str, Damage] = {
    "all of it gone": remove,
    "nothing left in it": gone("*"),
    "no CURRENT": gone("CURRENT"),
    "no MANIFEST": gone("MANIFEST-*"),
    "no OPTIONS": gone("OPTIONS-*"),
    "no table": gone("*.sst"),
    "no log": gone("*.log"),
    "half a MANIFEST": cut("MANIFEST-*", 0.5),
    "an empty CURRENT": cut("CURRENT", 0),
    "half a table": cut("*.sst", 0.5),
    "half a log": cut("*.log", 0.5),
    "an empty log": cut("*.log", 0),
    "noise for CURRENT": noise("CURRENT"),
    "noise for MANIFEST": noise("MANIFEST-*"),
    "noise for tables": noise("*.sst"),
    "noise for logs": noise("*.log"),
    "condemned": lambda path: (path / CONDEMNED).touch(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_ends_as_its_changelog_says(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "db"
    lived(path)
    DAMAGES[damage](path)
    store = brought_back(path)
    assert (store.position, rows(store)) == (LENGTH, folded(LENGTH))


@pytest.mark.parametrize("missing", [1, 50, 400, 1_000])
def test_a_manifest_without_its_last_words_leads_to_the_same_state(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "db"
    script = f"from tests.engine.test_damage import live_and_die; live_and_die({str(path)!r})"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    (manifest,) = files(path, "MANIFEST-*")
    os.truncate(manifest, manifest.stat().st_size - missing)
    store = brought_back(path)
    assert (store.position, rows(store)) == (LENGTH, folded(LENGTH))


def live_and_die(path: str) -> None:
    """Leave a store that was written out now and then; its end is in the changelog only."""
    store = opened(Path(path))
    for offset in range(LENGTH):
        key, value = record(offset)
        store.keep({key: value}, position=offset + 1, now=1)
        store.write_out(now=1 + WAIT_MS)
        if offset % 1_000 == 500:
            store._db.flush(1)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bits_anywhere_are_never_read_as_state(tmp_path: Path, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "db"
    lived(path)
    for _ in range(chance.randint(1, 3)):
        file = chance.choice([file for file in sorted(path.iterdir()) if file.stat().st_size])
        content = bytearray(file.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
    store = brought_back(path)
    assert (store.position, rows(store)) == (LENGTH, folded(LENGTH))


def test_a_directory_that_cannot_be_made_is_said_with_the_setting_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorldFailed, match="Not a directory; set SES_STREAMS_DATA_DIR"):
        Store(tmp_path / "file" / "db", TUNING)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("IO error: No space left on device: While appending to file", "make room there"),
        ("IO error: While open a file for appending: Permission denied", "make it writable"),
        ("IO error: While mkdir if missing: Read-only file system", "make it writable"),
        ("IO error: While open a file: Too many open files", "ulimit -n"),
    ],
)
def test_what_only_an_operator_can_mend_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, advice: str
) -> None:
    path = tmp_path / "db"
    lived(path)

    def refuse(*_: object) -> None:
        raise Exception(words)  # noqa: TRY002 # as rocksdict does

    monkeypatch.setattr("streams.engine.rocks._opened", refuse)
    with pytest.raises(WorldFailed, match=advice) as said:
        opened(path)
    assert str(path) in str(said.value)
    monkeypatch.undo()
    store = opened(path)
    assert (store.position, store.rebuilt) == (LENGTH, False)


def test_a_fault_of_ours_is_not_taken_for_a_damaged_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "db"
    lived(path)
    monkeypatch.setattr("streams.engine.rocks._opened", lambda *_: len(None))  # type: ignore[arg-type] # it must raise
    with pytest.raises(TypeError):
        opened(path)
    monkeypatch.undo()
    assert opened(path).position == LENGTH


def test_state_that_another_process_holds_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "db"
    lived(path)
    held = opened(path)
    script = f"from pathlib import Path; from tests.engine.test_damage import opened; opened(Path({str(path)!r}))"
    other = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert "another process uses it" in other.stderr
    assert rows(held) == folded(LENGTH)


@pytest.mark.parametrize("how", ["keep", "apply"])
def test_a_full_disk_stops_the_worker_and_nothing_is_lost_once_there_is_room(tmp_path: Path, how: str) -> None:
    path = tmp_path / "db"
    lived(path)
    filled = subprocess.run(
        [sys.executable, "-c", f"from tests.engine.test_damage import fill; fill({str(path)!r}, {how!r})"],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert f"WorldFailed: state directory {path}: " in filled.stderr
    assert "make room there" in filled.stderr
    store = opened(path)
    assert not store.rebuilt
    held = rows(store)
    assert {key: held[key] for key in folded(LENGTH)} == folded(LENGTH)
    assert len(held) == len(folded(LENGTH)) + store.position - LENGTH


def fill(path: str, how: str) -> None:
    """Write until the disk will take no more."""
    store = opened(Path(path))
    for number in range(100_000):
        key, value = b"more-%d" % number, os.urandom(1_000)
        if how == "keep":
            store.keep({key: value}, position=LENGTH + number + 1, now=1)
        else:
            store.apply([key], [value], position=LENGTH + number + 1, now=1)

"""What can happen to a worker's state on disk while the worker is away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from rocksdict import Options, Rdict

FILES = ("*.sst", "*.log", "MANIFEST-*", "CURRENT")
FAMILIES = ("timers", "meta")
MARK, FORMAT_BYTES = b"mark", 4
ANOTHER_FORMAT = (99).to_bytes(FORMAT_BYTES, "big")
GARBAGE = 64

Damage = Callable[[Path, Random], None]


def lose_everything(data: Path, chance: Random) -> None:
    """Delete the directory: another machine, or a disk that is new."""
    shutil.rmtree(data)


def lose_a_table(data: Path, chance: Random) -> None:
    """Delete the databases of one partition."""
    shutil.rmtree(chance.choice(_databases(data)))


def lose_files(data: Path, chance: Random) -> None:
    """Delete one file of each database."""
    for path in _one_of_each(data, chance):
        path.unlink()


def cut_files(data: Path, chance: Random) -> None:
    """Cut one file of each database short, as a machine that crashed might."""
    for path in _one_of_each(data, chance):
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)


def garble_files(data: Path, chance: Random) -> None:
    """Write garbage into one file of each database."""
    for path in _one_of_each(data, chance):
        with path.open("r+b") as file:
            file.seek(chance.randrange(max(path.stat().st_size - GARBAGE, 1)))
            file.write(chance.randbytes(GARBAGE))


def change_format(data: Path, chance: Random) -> None:
    """Have every database say that another version of the product wrote it."""
    for path in _databases(data):
        options, families = Options(raw_mode=True), {name: Options(raw_mode=True) for name in FAMILIES}
        db = Rdict(str(path), options=options, column_families=families)
        with suppress(Exception):  # rocksdict knows no other class: an earlier damage may show itself here first
            meta = db.get_column_family("meta")
            marked = meta.get(MARK)
            if isinstance(marked, bytes):
                meta[MARK] = ANOTHER_FORMAT + marked[FORMAT_BYTES:]
            meta.close()
        with suppress(Exception):  # as above
            db.close()


DAMAGES: tuple[Damage, ...] = (
    lose_everything,
    lose_a_table,
    lose_files,
    cut_files,
    garble_files,
    change_format,
)


def _databases(data: Path) -> list[Path]:
    return sorted(path.parent for path in data.rglob("CURRENT"))


def _one_of_each(data: Path, chance: Random) -> list[Path]:
    """Return a file of each database that has anything in it."""
    chosen = []
    for home in _databases(data):
        files = sorted(path for form in FILES for path in home.glob(form) if path.stat().st_size)
        chosen.append(chance.choice(files))
    return chosen

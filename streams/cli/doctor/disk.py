"""The data directory: there and writable, with room for what the tables will grow to.

Growth is reckoned from their size and age: state grows until what is forgotten equals what comes, so it is carried on
up to the longest time that anything is remembered. RocksDB needs room beside it to compact.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.settings import Settings

_ELSEWHERE = "set SES_STREAMS_DATA_DIR"
NO_DIRECTORY = Rule("DATA_DIR_NO_DIRECTORY", Level.WRONG, "{path} is no directory", f"{_ELSEWHERE} to a directory")
CANNOT_MAKE = Rule(
    "DATA_DIR_CANNOT_BE_MADE",
    Level.WRONG,
    "{path} is not there, and cannot be made: {why}",
    f"make it, writable for this user, or {_ELSEWHERE}",
)
READ_ONLY = Rule(
    "DATA_DIR_NOT_WRITABLE",
    Level.WRONG,
    "{path} cannot be written: {why}",
    f"make it writable for this user, or {_ELSEWHERE}",
)
FULL = Rule(
    "DISK_FULL",
    Level.WRONG,
    "{path}: {free} are free, which is no room for tables of {size}",
    f"make room there, or {_ELSEWHERE} to a larger volume: nothing is lost, state is rebuilt from Kafka",
)
FILLING = Rule(
    "DISK_WILL_FILL",
    Level.WRONG,
    "{path}: tables of {size} grow to about {expected}, and {free} are free: enough for about {days:,.1f} days",
    f"give it a larger volume, or {_ELSEWHERE}; add workers, or shorten SES_STREAMS_JOIN__FORGET_DAYS",
)
TIGHT = Rule(
    "DISK_TIGHT",
    Level.ADVICE,
    "{path}: {free} are free beside tables of {size}; compaction may need as much again for a while",
    "give it a volume of three times the tables' size",
)
NEW = Rule("DATA_DIR_NEW", Level.OK, "{path} is not there yet, and can be made; {free} are free")
FINE = Rule("DISK_FINE", Level.OK, "{path}: tables of {size}, {free} free")
RULES = (NO_DIRECTORY, CANNOT_MAKE, READ_ONLY, FULL, FILLING, TIGHT, NEW, FINE)

_LEAST = 256 << 20
"""Below so much a worker has hardly room for its write buffers."""
_DAY_S = 86_400.0
_YOUNGEST_S = 3_600.0  # what is younger has not shown yet how it grows
_NEAR_DAYS = 14.0


class Seen(NamedTuple):
    """The directory: *why* it cannot be used, empty where it can; bytes; how old the oldest of its files is."""

    path: Path
    there: bool
    directory: bool
    why: str
    size: int
    free: int
    age_s: float


def look(world: World) -> list[Finding]:
    """Measure the data directory."""
    path = world.settings.data_dir
    there = path.exists()
    size, oldest = _measured(path)
    seen = Seen(
        path=path,
        there=there,
        directory=not there or path.is_dir(),
        why=_why_not(_nearest(path)),
        size=size,
        free=_free(_nearest(path)),
        age_s=world.now / 1000 - oldest if oldest else 0.0,
    )
    return list(judge(seen, _remembered_s(world.settings)))


def judge(seen: Seen, remembered_s: float) -> Iterator[Finding]:
    """Yield what is wrong with the directory, or that nothing is; state is remembered for *remembered_s* at most."""
    said = {"path": seen.path, "why": seen.why, "size": _size(seen.size), "free": _size(seen.free)}
    expected = seen.size
    if seen.age_s >= _YOUNGEST_S:
        expected = round(seen.size * max(remembered_s / seen.age_s, 1.0))
    if not seen.directory:
        yield NO_DIRECTORY.found(**said)
    elif seen.why:
        yield (READ_ONLY if seen.there else CANNOT_MAKE).found(**said)
    elif seen.free < _LEAST:
        yield FULL.found(**said)
    elif expected - seen.size > seen.free and (days := _days(seen)) < _NEAR_DAYS:
        yield FILLING.found(**said, expected=_size(expected), days=days)
    elif seen.free < seen.size:
        yield TIGHT.found(**said)
    else:
        yield (FINE if seen.there else NEW).found(**said)


def _days(seen: Seen) -> float:
    """Return for how many days there is room, at the pace so far."""
    return seen.free / (seen.size / seen.age_s) / _DAY_S


def _remembered_s(settings: Settings) -> float:
    """Return for how long anything stands in a table."""
    days = max(settings.join.forget_days, settings.suppression.forget_days, settings.dispatch.forget_days)
    return days * _DAY_S


def _nearest(path: Path) -> Path:
    """Return *path*, or the nearest directory above it that is there."""
    whole = path.absolute()
    return next(one for one in (whole, *whole.parents) if one.exists())


def _why_not(path: Path) -> str:
    """Return why nothing can be written in a directory; nothing where it can."""
    try:
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"0")
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _free(path: Path) -> int:
    """Return how many bytes this user may still write."""
    said = os.statvfs(path)
    return said.f_bavail * said.f_frsize


def _measured(path: Path) -> tuple[int, float]:
    """Return the bytes of all files below *path*, and when the oldest was written; a worker may take some away."""
    size, oldest = 0, 0.0
    for place, _, names in os.walk(path):
        for name in names:
            try:
                found = (Path(place) / name).stat()
            except OSError:
                continue
            size += found.st_blocks * 512
            oldest = min(oldest or found.st_mtime, found.st_mtime)
    return size, oldest


def _size(size: float) -> str:
    """Return bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - 1024 of one are one of the next
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"

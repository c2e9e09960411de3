"""Which files there are to read: paths, directories, `-`; and what others find elsewhere.

What a directory holds that is plainly no event file (a README, a certificate) is passed over and told; a file that is
named is read, whatever it is called. Where objects in S3 come from is not known here: they are sources like any other.
Their bytes are read in contents.py.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from streams.errors import SesStreamsError, WorldFailed

STDIN = "-"
SUFFIXES = frozenset({"", ".json", ".ndjson", ".jsonl", ".log", ".gz", ".txt", ".eml"})
_SUFFIX = re.compile(
    r"\.[a-z0-9]{1,12}$", re.IGNORECASE
)  # Firehose writes `STREAM-1-2026-...`, and STREAM may have dots


class Unread(SesStreamsError):
    """One file or object that cannot be read, which is no concern of the others; the words say why."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """How far the reading has come; shared with whoever shows it.

    total_bytes: of all files, as they lie on disk; without standard input.
    done_bytes: how many of them are read.
    files: how many files are read or being read.
    known: files that were read and acknowledged before, and are not read again.
    no_events: items without an event: confirmations, SES's first message, received mail that is no auto-reply of ours.
    passed_over: files of a directory that were not read.
    unread: files that could not be read, and why.
    """

    total_bytes: int = 0
    done_bytes: int = 0
    files: int = 0
    known: int = 0
    no_events: int = 0
    passed_over: list[str] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)


class Source(NamedTuple):
    """One file or object.

    name: what it is called in messages.
    opening: opens its bytes; raises Unread, OSError or WorldFailed.
    size: how many bytes it has, as it lies there; None where that is not known before they are read.
    identity: by which it is known again, and is another one once it has changed; None where there is none.
    """

    name: str
    opening: Callable[[], io.BufferedReader]
    size: int | None = None
    identity: str | None = None


Elsewhere = Callable[[str, Reading], Iterator[Source]]
"""Finds what a name means that is no path: its sources, in order; notes in a Reading what is passed over."""


def find_sources(paths: Sequence[str | Path], reading: Reading, elsewhere: Elsewhere | None = None) -> Iterator[Source]:
    """Yield the files to read, directories walked in order of name; hidden ones are left out.

    All paths are looked at before the first file is given. What is *elsewhere* is found as it is come to: there may be
    millions of it, and its bytes are added to the total by whoever wants to wait for that.

    Raises:
        WorldFailed: a path is not there.

    """
    found = [
        str(path) if elsewhere is not None and is_elsewhere(path) else list(_found(path, reading)) for path in paths
    ]
    here = [source for sources in found if not isinstance(sources, str) for source in sources]
    reading.total_bytes += sum(source.size or 0 for source in here)
    for sources in found:
        if not isinstance(sources, str):
            yield from sources
        elif elsewhere is not None:
            yield from elsewhere(sources, reading)


def is_elsewhere(path: str | Path) -> bool:
    """Tell whether a name is that of something in S3."""
    return str(path).startswith("s3://")


def may_hold_events(name: str) -> bool:
    """Tell whether a file of a directory may hold events, by its name: it has no suffix, or one of ours."""
    suffix = _SUFFIX.search(name)
    return suffix is None or suffix[0].lower() in SUFFIXES


def file_source(path: Path) -> Source:
    """Return one file on disk."""

    def opened() -> io.BufferedReader:
        return path.open("rb")

    status = path.stat()
    identity = f"{os.path.abspath(path)}\0{status.st_size}\0{status.st_mtime_ns}"  # noqa: PTH100 - no link is followed
    return Source(str(path), opened, status.st_size, identity)


def _found(path: str | Path, reading: Reading) -> Iterator[Source]:
    """Yield the files of one path."""
    if str(path) == STDIN:
        yield Source(STDIN, _stdin)
        return
    start = Path(path)
    if not start.exists():
        raise WorldFailed(f"there is no file or directory {start}")
    if not start.is_dir():
        yield file_source(start)
        return
    for inner in sorted(start.rglob("*")):
        hidden = any(step.startswith(".") for step in inner.relative_to(start).parts)
        if hidden or not inner.is_file():
            continue
        if may_hold_events(inner.name):
            yield file_source(inner)
        else:
            reading.passed_over.append(str(inner))


def _stdin() -> io.BufferedReader:
    """Return standard input."""
    stdin = sys.stdin.buffer
    return stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(io.BytesIO(stdin.read()))

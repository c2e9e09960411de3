"""Which files there are to read, and their bytes: paths, directories, `-`, gzip.

gzip is known by its first two bytes, a raw mail by its name or its first line. What a directory holds that is plainly
no event file (a README, a certificate) is passed over and told; a file that is named is read, whatever it is called.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from streams.errors import Unusable, WorldFailed
from streams.mail.deadletter import DeadReason

STDIN = "-"
SUFFIXES = frozenset({"", ".json", ".ndjson", ".jsonl", ".log", ".gz", ".txt", ".eml"})
_MAILS = (".eml", ".eml.gz")
_MAIL_BEGINS = re.compile(rb"(?:return-path|received|delivered-to):[ \t]", re.IGNORECASE)
"""What the server that takes a mail writes before it; SES's own objects in S3 begin so, and have no suffix."""
_GZIP = b"\x1f\x8b"


@dataclass(slots=True, kw_only=True)
class Reading:
    """How far the reading has come; shared with whoever shows it.

    total_bytes: of all files, as they lie on disk; without standard input.
    done_bytes: how many of them are read.
    files: how many files are read or being read.
    no_events: items without an event: confirmations, SES's first message, received mail that is no auto-reply of ours.
    passed_over: files of a directory that were not read.
    """

    total_bytes: int = 0
    done_bytes: int = 0
    files: int = 0
    no_events: int = 0
    passed_over: list[str] = field(default_factory=list)


class Source(NamedTuple):
    """One file: what it is called in messages, and where it is; None is standard input."""

    name: str
    path: Path | None


def find_sources(paths: Sequence[str | Path], reading: Reading) -> list[Source]:
    """Return the files to read, directories walked in order of name; hidden ones are left out.

    Raises:
        WorldFailed: a path is not there.

    """
    found = [source for path in paths for source in _found(path, reading)]
    reading.total_bytes = sum(source.path.stat().st_size for source in found if source.path is not None)
    return found


def _found(path: str | Path, reading: Reading) -> Iterator[Source]:
    """Yield the files of one path."""
    if str(path) == STDIN:
        yield Source(STDIN, None)
        return
    start = Path(path)
    if not start.exists():
        raise WorldFailed(f"there is no file or directory {start}")
    if not start.is_dir():
        yield Source(str(start), start)
        return
    for inner in sorted(start.rglob("*")):
        hidden = any(step.startswith(".") for step in inner.relative_to(start).parts)
        if hidden or not inner.is_file():
            continue
        if inner.suffix.lower() in SUFFIXES:
            yield Source(str(inner), inner)
        else:
            reading.passed_over.append(str(inner))


class Bytes:
    """The bytes of one source, unpacked. A gzip file that breaks off ends there, and *fault* says so."""

    def __init__(self, source: Source, reading: Reading) -> None:
        """Open the file.

        Raises:
            WorldFailed: it cannot be opened.

        """
        self._source = source
        self._reading = reading
        self._before = reading.done_bytes
        self.fault: Unusable | None = None
        try:
            self._disk = _open(source)
            packed = self._disk.peek(len(_GZIP)).startswith(_GZIP)
        except OSError as error:
            raise self._failed(error) from error
        self._plain = gzip.GzipFile(fileobj=self._disk) if packed else self._disk

    def is_mail(self) -> bool:
        """Tell whether this is one raw mail: by its name, or because it begins as one that a server has taken."""
        if self._source.name.lower().endswith(_MAILS):
            return True
        try:
            return _MAIL_BEGINS.match(self._plain.peek(64)) is not None
        except (EOFError, OSError, zlib.error):
            return False  # reading it will say what is the matter

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end."""
        try:
            found = self._plain.read1(size)  # what is there: a pipe may be slow
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self.fault = Unusable(DeadReason.NOT_JSON, "the gzip file breaks off here")
            return b""
        except OSError as error:
            raise self._failed(error) from error
        if self._source.path is not None and self._disk.seekable():
            self._reading.done_bytes = self._before + self._disk.tell()
        else:
            self._reading.done_bytes += len(found)
        return found

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._source.path is not None:
            self._disk.close()

    def _failed(self, error: OSError) -> WorldFailed:
        """Say which file failed us and why."""
        return WorldFailed(f"cannot read {self._source.name}: {error.strerror}")


def _open(source: Source) -> io.BufferedReader:
    """Open a file, or take standard input."""
    if source.path is not None:
        return source.path.open("rb")
    stdin = sys.stdin.buffer
    return stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(io.BytesIO(stdin.read()))

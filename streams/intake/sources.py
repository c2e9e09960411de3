"""Which files there are to read, and their bytes: paths, directories, `-`, gzip; and what others find elsewhere.

gzip is known by its first two bytes, a raw mail by its name or its first line. What a directory holds that is plainly
no event file (a README, a certificate) is passed over and told; a file that is named is read, whatever it is called.
One that cannot be read as events at all (packed otherwise, gone meanwhile) is left unread and told, and the others go
on. Where objects in S3 come from is not known here: they are sources like any other.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from streams.errors import SesStreamsError, Unusable, WorldFailed
from streams.mail.deadletter import DeadReason

STDIN = "-"
SUFFIXES = frozenset({"", ".json", ".ndjson", ".jsonl", ".log", ".gz", ".txt", ".eml"})
_SUFFIX = re.compile(
    r"\.[a-z0-9]{1,12}$", re.IGNORECASE
)  # Firehose writes `STREAM-1-2026-...`, and STREAM may have dots
_MAILS = (".eml", ".eml.gz")
_MAIL_BEGINS = re.compile(rb"(?:return-path|received|delivered-to):[ \t]", re.IGNORECASE)
"""What the server that takes a mail writes before it; SES's own objects in S3 begin so, and have no suffix."""
_GZIP = b"\x1f\x8b"
_LOOKED_AT = 64
FOREIGN = (
    (b"\xff\x06\x00\x00sNaPpY", "it is packed by Snappy"),
    (b"PK\x03\x04", "it is packed by ZIP"),
    (b"\x28\xb5\x2f\xfd", "it is packed by Zstandard"),
    (b"\x04\x22\x4d\x18", "it is packed by LZ4"),
    (b"\xfd7zXZ\x00", "it is packed by xz"),
    (b"BZh", "it is packed by bzip2"),
    (b"PAR1", "it is Parquet"),
    (b"ORC", "it is ORC"),
    (b"Obj\x01", "it is Avro"),
    (b"\x00", "it is binary, such as Hadoop-Snappy"),  # which has no mark: it begins with a length, hence with a 0
)
"""How what is no text begins: what Firehose, Athena and people write, and in which we cannot find events."""
_SAY = "; JSON, plain or packed by gzip, can be read"


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


class Bytes:
    """The bytes of one source, unpacked. A gzip file that breaks off ends there, and *fault* says so."""

    def __init__(self, source: Source, reading: Reading) -> None:
        """Open the file.

        Raises:
            Unread: it is gone, or holds nothing that we can read.
            WorldFailed: it cannot be opened.

        """
        self._source = source
        self._reading = reading
        self._before = reading.done_bytes
        self.fault: Unusable | None = None
        try:
            self._disk = source.opening()
            packed = self._disk.peek(len(_GZIP)).startswith(_GZIP)
        except FileNotFoundError as error:
            raise Unread("it is not there any more") from error
        except OSError as error:
            raise self._failed(error) from error
        self._plain = gzip.GzipFile(fileobj=self._disk) if packed else self._disk
        if (why := self._foreign()) is not None and not self._is_called_mail():
            self.close()
            raise Unread(f"{why}{_SAY}")

    def is_mail(self) -> bool:
        """Tell whether this is one raw mail: by its name, or because it begins as one that a server has taken."""
        return self._is_called_mail() or _MAIL_BEGINS.match(self._beginning()) is not None

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end."""
        try:
            found = self._plain.read1(size)  # what is there: a pipe may be slow
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self.fault = Unusable(DeadReason.NOT_JSON, "the gzip file breaks off here")
            return b""
        except OSError as error:
            raise self._failed(error) from error
        if self._source.size is not None:
            self._reading.done_bytes = self._before + self._disk.tell()
        else:
            self._reading.done_bytes += len(found)
        return found

    def rest(self) -> None:
        """Count the rest as read: nobody needs it."""
        if self._source.size is not None:
            self._reading.done_bytes = self._before + self._source.size

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._source.name != STDIN:
            self._disk.close()

    def _is_called_mail(self) -> bool:
        return self._source.name.lower().endswith(_MAILS)

    def _foreign(self) -> str | None:
        """Return what it is, if it is no text."""
        start = self._beginning()
        known = next((what for mark, what in FOREIGN if start.startswith(mark)), None)
        return "it is binary" if known is None and b"\0" in start else known

    def _beginning(self) -> bytes:
        """Return some of its first bytes; none where they cannot be had: reading will say what is the matter."""
        try:
            return self._plain.peek(_LOOKED_AT)[:_LOOKED_AT]
        except (EOFError, OSError, zlib.error):
            return b""

    def _failed(self, error: OSError) -> WorldFailed:
        """Say which file failed us and why."""
        return WorldFailed(f"cannot read {self._source.name}: {error.strerror}")


def _stdin() -> io.BufferedReader:
    """Return standard input."""
    stdin = sys.stdin.buffer
    return stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(io.BytesIO(stdin.read()))

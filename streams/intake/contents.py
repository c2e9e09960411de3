"""The bytes of one file or object, unpacked, and what they are by their beginning: gzip, a raw mail, or nothing for us.

gzip is known by its first two bytes, a raw mail by its name or its first line. What cannot be read as events at all
(packed otherwise, gone meanwhile) is left unread, which is no concern of its neighbours.
"""

from __future__ import annotations

import gzip
import re
import zlib

from streams.errors import Unusable, WorldFailed
from streams.intake.sources import STDIN, Reading, Source, Unread
from streams.mail.deadletter import DeadReason

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


def begins_as_mail(start: bytes) -> bool:
    """Tell whether bytes begin as a raw mail does that a server has taken."""
    return _MAIL_BEGINS.match(start) is not None


def is_packed(start: bytes) -> bool:
    """Tell whether bytes begin as gzip does."""
    return start.startswith(_GZIP)


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
            packed = is_packed(self._disk.peek(len(_GZIP)))
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
        return self._is_called_mail() or begins_as_mail(self._beginning())

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

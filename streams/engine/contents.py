"""What a database's table of contents (RocksDB's MANIFEST) was when we last wrote, so that a shorter one is noticed.

RocksDB takes a MANIFEST that is cut short for one that a crash interrupted, and opens an older state; what its log
still has is written on top, and the gap between is nobody's to see. So each mark says how long the MANIFEST was, and
its checksum up to there. Only a failing disk does such a thing, and then it must not be taken for state.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

_SEEN = struct.Struct(">QQI")
_CURRENT, _PREFIX = "CURRENT", "MANIFEST-"


def found_in(path: Path) -> tuple[int, bytes]:
    """Return the number of the MANIFEST that a database would open with, and its bytes; (0, nothing) without one."""
    try:
        name = (path / _CURRENT).read_text(encoding="ascii").strip()
        return int(name.removeprefix(_PREFIX)), (path / name).read_bytes()
    except (OSError, ValueError):
        return 0, b""  # RocksDB will say what it makes of that


def is_what_it_was(known: bytes, found: tuple[int, bytes]) -> bool:
    """Return whether a MANIFEST that was found begins as a look has seen it; a higher number was written since."""
    number, size, checksum = _SEEN.unpack(known)
    held = found[1][:size]
    return bool(found[0] > number or (found[0] == number and len(held) == size and zlib.crc32(held) == checksum))


class Watch:
    """Follows the MANIFEST of an open database; a look costs a system call, and a read where it has grown."""

    def __init__(self, path: Path) -> None:
        """Read the one that there is now."""
        self._number, held = found_in(path)
        self._file = path / f"{_PREFIX}{self._number:06d}"
        self._size, self._checksum = len(held), zlib.crc32(held)

    def look(self) -> bytes:
        """Return its number, and the length and the checksum of it so far."""
        if self._file.stat().st_size > self._size:
            with self._file.open("rb") as file:
                file.seek(self._size)
                grown = file.read()
            self._size += len(grown)
            self._checksum = zlib.crc32(grown, self._checksum)
        return _SEEN.pack(self._number, self._size, self._checksum)

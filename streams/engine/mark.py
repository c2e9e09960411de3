"""How far a store is in its changelog, and by what it knows that changelog again: one small record beside the state."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

FORMAT = 2
"""Of what a store holds; another number on disk means another version of us: wipe and rebuild."""
NOTHING = 0
_FORM = struct.Struct(">IQQIQQ16s20s")
_FORMAT = struct.Struct(">I")


class Mark(NamedTuple):
    """How far a store is: *position* is the changelog offset to go on from, all before it has been applied.

    *kept_at* (ms since the epoch) is when nothing was missing, or when a rebuild began that is not over; *print* is of
    the record that was applied last, which stands at offset *last*. *number* and *first* belong to its timers,
    *contents* to `contents`.
    """

    format: int = FORMAT
    position: int = NOTHING
    kept_at: int = 0
    print: int = 0
    last: int = 0
    number: int = 0
    first: bytes = bytes(16)
    contents: bytes = bytes(20)


def pack_mark(mark: Mark) -> bytes:
    """Return a mark as bytes."""
    return _FORM.pack(*mark)


def unpack_mark(packed: bytes) -> Mark | None:
    """Return a mark; None where it is of another format."""
    (found,) = _FORMAT.unpack_from(packed)
    return Mark(*_FORM.unpack(packed)) if found == FORMAT else None


def fingerprint(key: bytes | None, value: bytes | None) -> int:
    """Return a checksum of one changelog record; a tombstone differs from an empty value."""
    return zlib.crc32(b"-" if value is None else b"+" + value, zlib.crc32(b"" if key is None else key))

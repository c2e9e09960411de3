"""How keys that wait for their time are written down: one entry a due time and chunk, not one a key.

An entry's key is its due time (big-endian, so that entries lie in the order of time) and a number that makes it
unique; its value is the keys, each behind its length. Bytes only: the store decides where they lie.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_ENTRY = struct.Struct(">QQ")
_LENGTH = struct.Struct(">I")


def entry_key(due: int, number: int) -> bytes:
    """Return the key of an entry; *due* in ms since the epoch (a time before it counts as the epoch)."""
    return _ENTRY.pack(max(due, 0), number)


def entry_due(key: bytes) -> int:
    """Return the due time of an entry's key."""
    due: int = _ENTRY.unpack(key)[0]
    return due


def pack_keys(keys: Sequence[bytes]) -> bytes:
    """Return keys as one value."""
    return b"".join([_LENGTH.pack(len(key)) + key for key in keys])


def unpack_keys(packed: bytes) -> list[bytes]:
    """Return the keys of a value; raise struct.error or ValueError when it is cut short."""
    keys, at = [], 0
    while at < len(packed):
        (length,) = _LENGTH.unpack_from(packed, at)
        at += _LENGTH.size
        if at + length > len(packed):
            raise ValueError("a timer entry is cut short")
        keys.append(packed[at : at + length])
        at += length
    return keys

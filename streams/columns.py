"""Columns of keys and values: packed, measured, looked up in what is at hand; compiled where the kernel is installed.

It stands on the ground floor because the engine works on columns and knows no record. What they hold is not its
business. Each way is the other's twin (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

__all__ = ["at_hand", "pack", "size_of"]

_LENGTH = Struct(">I")


def pack_plainly(keys: Sequence[bytes]) -> bytes:
    """Return keys as one value, each behind its length in four bytes."""
    return b"".join([_LENGTH.pack(len(key)) + key for key in keys])


def at_hand_plainly(
    newer: dict[bytes, bytes | None], older: dict[bytes, bytes | None], keys: list[bytes]
) -> tuple[list[bytes | None], list[int], list[bytes]]:
    """Return the values of *keys* in *newer*, or else in *older*, and the places and the keys of those in neither."""
    values = [newer[key] if key in newer else older.get(key) for key in keys]
    places = [place for place, key in enumerate(keys) if key not in newer and key not in older]
    return values, places, [keys[place] for place in places]


def size_plainly(rows: dict[bytes, bytes | None]) -> int:
    """Return the bytes of all values that there are."""
    return sum(map(len, filter(None, rows.values())))


try:
    from ses_streams_kernel import at_hand, pack, size_of
except ImportError:  # no compiler, or no wheel for this machine
    pack, at_hand, size_of = pack_plainly, at_hand_plainly, size_plainly

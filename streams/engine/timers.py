"""Keys that wait for their time: how they are written down, and the order in which they are handed out.

One entry a due time and chunk, not one a key. An entry's key is its due time (big-endian, so that entries lie in the
order of time) and a number that makes it unique; its value is the keys, each behind its length. The store decides
where entries lie and when they are written; they change in its write batches.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rocksdict import ColumnFamily, Rdict, WriteBatch

from streams.columns import pack
from streams.engine.rocks import walk

Foresee = Callable[[Sequence[bytes], int], Sequence[int]]
"""Tells for stored values when (ms) the key of each is to be looked at; the second argument is the time now."""
Wakes = Sequence[tuple[int, Sequence[bytes]]]
"""Times (ms), each with the keys to be looked at then."""
NEVER = 1 << 63
_ENTRY = struct.Struct(">QQ")
_LENGTH = struct.Struct(">I")
_BEGIN, _END = bytes(_ENTRY.size), b"\xff" * (_ENTRY.size + 1)
"""Around all entries that there can be."""


@dataclass(frozen=True, slots=True)
class Due:
    """Timer entries whose time has come: their own keys, and the state keys that they name, each once."""

    entries: list[bytes]
    keys: list[bytes]


class Timers:
    """The entries of one store, earliest first.

    *first* is where the earliest entry can be, and is kept over restarts: a look from the very beginning steps over
    every entry that has fired and is not compacted away. *number* is of the last entry. *next_due* is when the next
    look is worth its while, 0 while that is unknown.
    """

    def __init__(self, family: Rdict, handle: ColumnFamily, first: bytes, number: int) -> None:
        """Take up what is there."""
        self._family = family
        self._handle = handle
        self.first = first
        self.number = number
        self.next_due = 0

    def add(self, batch: WriteBatch, due: int, keys: Sequence[bytes]) -> None:
        """Write an entry."""
        self.number += 1
        entry = entry_key(due, self.number)
        batch.put(entry, pack_keys(keys), self._handle)
        self.first = min(self.first, entry)
        self.next_due = min(self.next_due, due)

    def end(self, batch: WriteBatch, entries: Iterable[bytes]) -> None:
        """Strike out entries that `due` has returned: all of them, for it begins behind the last one then."""
        for entry in entries:
            batch.delete(entry, self._handle)
            self.first = max(self.first, entry)

    def clear(self, batch: WriteBatch) -> None:
        """Strike out all entries."""
        batch.delete_range(_BEGIN, _END, self._handle)
        self.first, self.next_due = _BEGIN, NEVER

    def due(self, now: int, limit: int) -> Due:
        """Return entries due by *now*, oldest first: as many as hold *limit* keys, one at least."""
        if self.next_due > now:
            return Due([], [])
        entries: list[bytes] = []
        keys: dict[bytes, None] = {}
        self.next_due = NEVER
        for entry, packed in walk(self._family, self.first):
            if entry_due(entry) > now or (entries and len(keys) >= limit):
                self.next_due = entry_due(entry)
                break
            entries.append(entry)
            keys.update(dict.fromkeys(unpack_keys(packed)))
        return Due(entries, list(keys))


def at_once(values: Sequence[bytes], now: int) -> Sequence[int]:
    """Return *now* for each value: whoever cannot foresee when a key is due looks at it."""
    return [now] * len(values)


def wakes_of(alive: Mapping[bytes, bytes], foresee: Foresee, now: int) -> Wakes:
    """Return when to look at keys, by what is stored for them."""
    looks: defaultdict[int, list[bytes]] = defaultdict(list)
    for key, due in zip(alive, foresee(list(alive.values()), now), strict=True):
        looks[due].append(key)
    return list(looks.items())


def entry_key(due: int, number: int) -> bytes:
    """Return the key of an entry; *due* in ms since the epoch (a time before it counts as the epoch)."""
    return _ENTRY.pack(max(due, 0), number)


def entry_due(key: bytes) -> int:
    """Return the due time of an entry's key."""
    due: int = _ENTRY.unpack(key)[0]
    return due


def pack_keys(keys: Sequence[bytes]) -> bytes:
    """Return keys as one value."""
    return pack(keys)


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

"""Which partition a key belongs to: Java's murmur2, for a whole column of keys at once.

Every producer of a topic must agree on this, or a key's records and its state lie on different workers. The hash is
that of org.apache.kafka.common.utils.Utils.murmur2; in pure Python it costs 5 us a key, by numpy about 0.1 us and 80 us
a column, compiled (docs/decisions/0017) less than either. It stands
on the ground floor because the engine writes by it and the hops check by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import unpack_from
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

try:
    import ses_streams_kernel as _installed
except ImportError:
    _installed = None  # type: ignore[assignment]  # not there: no compiler, or no wheel for this machine
kernel: ModuleType | None = _installed

_SEED, _M, _R = 0x9747B28C, 0x5BD1E995, 24
_FACTOR = np.uint32(_M)
_WORD = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF
_LONGEST_IN_A_COLUMN = 512
"""One key of a megabyte would make every row of the matrix a megabyte wide: such keys are hashed by themselves."""


def partitions(keys: Sequence[bytes], count: int) -> list[int]:
    """Return the partition of each key, 0 to *count* - 1; an empty key has one like any other."""
    if count == 1 or not keys:
        return [0] * len(keys)
    found: list[int] = _partitions(keys, count).tolist() if kernel is None else kernel.partitions(keys, count)
    return found


Columns = tuple[int, list[bytes], list[bytes | None]]
"""A partition, with the keys and the values of its records."""


def split(keys: list[bytes], values: list[bytes | None], count: int) -> list[Columns]:
    """Return (partition, keys, values) for each partition that has any, each in the order of the columns."""
    if kernel is not None:
        compiled: list[Columns] = kernel.split(keys, values, count)
        return compiled
    found: dict[int, Columns] = {}
    for partition, key, value in zip(partitions(keys, count), keys, values, strict=True):
        column = found.get(partition)
        if column is None:
            column = found[partition] = (partition, [], [])
        column[1].append(key)
        column[2].append(value)
    return [found[partition] for partition in sorted(found)]


def strays(keys: Sequence[bytes], partition: int, count: int) -> list[int]:
    """Return the places of those *keys* that belong to another partition than *partition* of *count*."""
    if count == 1 or not keys:
        return []
    if kernel is not None:
        compiled: list[int] = kernel.strays(keys, partition, count)
        return compiled
    found: list[int] = np.flatnonzero(_partitions(keys, count) != partition).tolist()
    return found


def _partitions(keys: Sequence[bytes], count: int) -> NDArray[np.uint32]:
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    if int(lengths.max()) > _LONGEST_IN_A_COLUMN:
        hashes = np.array([murmur2(key) for key in keys], np.uint32)
    else:
        hashes = _hashes(keys, lengths)
    return (hashes & np.uint32(_POSITIVE)) % np.uint32(count)


def _hashes(keys: Sequence[bytes], lengths: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the 32-bit hash of each key; arithmetic wraps, as Java's does. Each column is a word of every key."""
    whole = lengths // 4
    shortest, longest = int(whole.min()), int(whole.max())
    width = (longest + 1) * 4
    rows = np.frombuffer(b"".join([key.ljust(width, b"\0") for key in keys]), "<u4").reshape(len(keys), longest + 1)
    words = np.ascontiguousarray(rows.T)
    mixed = _mixed(words)
    hashed = np.uint32(_SEED) ^ lengths.astype(np.uint32)
    for column in range(shortest):
        hashed *= _FACTOR
        hashed ^= mixed[column]
    for column in range(shortest, longest):
        hashed = np.where(whole > column, (hashed * _FACTOR) ^ mixed[column], hashed)
    tail = words[whole, np.arange(len(keys))]  # zero-padded: bytes beyond the key change nothing
    hashed = np.where(lengths % 4 > 0, (hashed ^ tail) * _FACTOR, hashed)
    hashed ^= hashed >> np.uint32(13)
    hashed *= _FACTOR
    hashed ^= hashed >> np.uint32(15)
    return hashed


def _mixed(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    mixed = words * _FACTOR
    mixed ^= mixed >> np.uint32(_R)
    mixed *= _FACTOR
    return mixed


def murmur2(key: bytes) -> int:
    """Return the hash of one key, of any length, as an unsigned number; Java shows it signed."""
    hashed, whole = _SEED ^ len(key), len(key) // 4
    for word in unpack_from(f"<{whole}I", key):
        mixed = (word * _M) & _WORD
        hashed = ((hashed * _M) & _WORD) ^ (((mixed ^ (mixed >> _R)) * _M) & _WORD)
    if len(key) % 4:
        hashed = ((hashed ^ int.from_bytes(key[whole * 4 :], "little")) * _M) & _WORD
    hashed = ((hashed ^ (hashed >> 13)) * _M) & _WORD
    return hashed ^ (hashed >> 15)

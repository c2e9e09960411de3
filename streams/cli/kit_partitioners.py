"""By which partitioner records were put where they lie, as far as their keys tell.

Asked only of records that lie wrong. Each candidate says where it would have put a key; the one that is right about
most of them is named, once that can hardly be chance. A key in several wrong places speaks against any hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import log2
from zlib import crc32

from streams.partition import murmur2

_WORD, _SIGN, _POSITIVE = 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF
_SURE_BITS = 10
"""Chance must be wrong once in a thousand: with 4 partitions that takes seven records or so."""
_ENOUGH = 2_000  # wrong ones: more would tell nothing new
_MOST = 0.8


def fnv1a(key: bytes) -> int:
    """Return the 32-bit FNV-1a of a key."""
    hashed = 0x811C9DC5
    for byte in key:
        hashed = ((hashed ^ byte) * 0x01000193) & _WORD
    return hashed


def _absolute(hashed: int) -> int:
    """Return a 32-bit number as Go's and C's abs has it of a signed one."""
    return (1 << 32) - hashed if hashed & _SIGN else hashed


Candidate = Callable[[bytes, int], int]

CANDIDATES: Mapping[str, Candidate] = {
    "CRC32 (librdkafka's default, consistent_random)": lambda key, count: crc32(key) % count,
    "FNV-1a (sarama's default, librdkafka's fnv1a)": lambda key, count: _absolute(fnv1a(key)) % count,
    "murmur2, of the key as it was written": lambda key, count: (murmur2(key) & _POSITIVE) % count,
    "murmur2 made positive by abs() and not by & 0x7fffffff": lambda key, count: _absolute(murmur2(key)) % count,
    "no partitioner: all goes to partition 0": lambda _, __: 0,
}
_FEWER = "murmur2, when the topic had {} partitions"


class Suspects:
    """Gathers where keyed records lie that lie wrong."""

    def __init__(self, count: int) -> None:
        """Start with every candidate; *count* is the topic's number of partitions."""
        self._count = count
        self._wrong = 0
        self._right: Counter[str] = Counter()
        self._lies: dict[bytes, int] = {}
        self._scattered = False
        self._candidates = dict(CANDIDATES) | {
            _FEWER.format(fewer): (lambda key, _, fewer=fewer: (murmur2(key) & _POSITIVE) % fewer)
            for fewer in range(2, count)
        }

    def wrong(self, key: bytes, partition: int) -> None:
        """Note a record that lies wrong under *key*; a key in two wrong places was put there by no hash."""
        if self._wrong >= _ENOUGH:
            return
        self._wrong += 1
        self._scattered |= self._lies.setdefault(key, partition) != partition
        self._right.update(name for name, put in self._candidates.items() if put(key, self._count) == partition)

    def named(self) -> str:
        """Return which partitioner it looks like; empty where nothing can be said."""
        if self._wrong * log2(self._count) < _SURE_BITS:
            return "too few to tell which partitioner it is" if self._wrong else ""
        name = max(self._candidates, key=lambda one: self._right[one])
        if self._right[name] == self._wrong:
            return f"it looks like {name}"
        if self._right[name] >= self._wrong * _MOST:
            return f"most look like {name}"
        if self._scattered:
            return "it looks like round robin, or chance: one key lies in several wrong places"
        return "they tell of no partitioner that is known here, or of several producers"

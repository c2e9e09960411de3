"""A set of 16-byte digests that takes little room: 32 to 64 bytes each, where Python's own takes 120 or more.

One table of bytes, of a size that is known at the start; the system gives the memory as places are used. A digest
stands where its first bytes say, or in the next free place after. Nothing is taken out: whoever forgets drops the set.
"""

from __future__ import annotations

SIZE = 16
"""Bytes of a digest."""

_FREE = bytes(SIZE)


class Digests:
    """Digests that were added. They must be as good as random, as those of a hash are."""

    __slots__ = ("_count", "_mask", "_most", "_table")

    def __init__(self, most: int) -> None:
        """Have places for *most* digests."""
        places = 1 << (2 * most).bit_length()  # at most half of them used, so that a free one is near
        self._table = bytearray(places * SIZE)
        self._mask = places - 1
        self._most, self._count = most, 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, digest: bytes) -> bool:
        at = self._place(digest)
        return self._table[at : at + SIZE] == digest

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more may be added."""
        return self._count >= self._most

    def add(self, digest: bytes) -> None:
        """Add a digest; one of all zeros is no digest that anybody will see.

        Raises:
            ValueError: there is no place for it.

        """
        at = self._place(digest)
        if self._table[at : at + SIZE] == digest:
            return
        if self.is_full:
            raise ValueError("full")
        self._table[at : at + SIZE] = digest
        self._count += 1

    def _place(self, digest: bytes) -> int:
        """Return where a digest is, or would be."""
        place = int.from_bytes(digest[:8], "little") & self._mask
        while True:
            at = place * SIZE
            there = self._table[at : at + SIZE]
            if there in (digest, _FREE):
                return at
            place = (place + 1) & self._mask

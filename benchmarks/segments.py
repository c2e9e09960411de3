"""What records take on a broker's disk: the headers of the record batches in a partition's files, one after another.

A batch's header says how long it is and how many records it holds (Kafka's documentation, message format); what is in
it stays packed. So sizes are those that the producers' own compression reached, and nobody's guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

_HEAD = Struct(">qi45xi")
"""Base offset, length of what follows these twelve bytes, number of records."""
_BEFORE_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Packed:
    """How many records lie in how many batches, and their bytes with all that is around them."""

    records: int = 0
    batches: int = 0
    size: int = 0

    def __add__(self, other: Packed) -> Packed:
        """Return both together."""
        return Packed(self.records + other.records, self.batches + other.batches, self.size + other.size)


def packed(data: Path, topic: str, since: Mapping[int, int]) -> Packed:
    """Return what a topic's partitions hold from their offsets *since* on, in a broker's *data* directory."""
    whole = Packed()
    for partition, offset in since.items():
        files = sorted((data / f"{topic}-{partition}").glob("*.log"))
        begins = [int(file.stem) for file in files]
        for place, file in enumerate(files):
            if place + 1 == len(files) or begins[place + 1] > offset:
                whole += _read(file, offset)
    return whole


def _read(file: Path, since: int) -> Packed:
    found = Packed()
    with file.open("rb") as log:
        while len(head := log.read(_HEAD.size)) == _HEAD.size:
            base, length, records = _HEAD.unpack(head)
            if length <= 0:  # a file that was made larger beforehand ends in zeros
                break
            if base >= since:
                found += Packed(records, 1, length + _BEFORE_LENGTH)
            log.seek(length + _BEFORE_LENGTH - _HEAD.size, 1)
    return found

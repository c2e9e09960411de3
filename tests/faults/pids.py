"""Who wrote what: the producer ids that a broker has noted with each batch, read from its files.

No client is told them; the log's own bytes are (https://kafka.apache.org/documentation/#recordbatch).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HEAD = struct.Struct(">qiiBIhiqqq")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset's delta, two times, producer id."""
_BEFORE_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Written:
    """One batch: where it lies, and which producer wrote it."""

    topic: str
    partition: int
    offset: int
    producer: int


def batches(data: Path, topics: Iterable[str]) -> Iterator[Written]:
    """Yield every batch of some topics that lies under a broker's data directory, partition by partition."""
    for topic in topics:
        for log in sorted(data.glob(f"{topic}-[0-9]*/*.log")):
            partition = int(log.parent.name.rpartition("-")[2])
            yield from _of(log.read_bytes(), topic, partition)


def _of(content: bytes, topic: str, partition: int) -> Iterator[Written]:
    at = 0
    while at + _HEAD.size <= len(content):
        offset, length, *_, producer = _HEAD.unpack_from(content, at)
        if length <= 0 or at + _BEFORE_LENGTH + length > len(content):
            return  # not written to its end yet, or room kept for more
        yield Written(topic, partition, offset, producer)
        at += _BEFORE_LENGTH + length

"""What topics took in between two moments: records, their bytes as they are, and their bytes as they lie on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from benchmarks.segments import packed

SAMPLE = 2_000
"""Records of each partition, the last ones, whose bytes are counted."""
PATIENCE_S = 30.0

Ends = dict[str, dict[int, int]]


class Topics:
    """The topics of one broker, by the name that the figures give them. *data* is the broker's directory."""

    def __init__(self, brokers: str, data: Path, names: dict[str, str], partitions: int) -> None:
        """Connect."""
        self._consumer = Consumer(
            {"bootstrap.servers": brokers, "log_level": 0, "group.id": "nobody", "enable.auto.commit": False}
        )
        self._data, self._names, self._partitions = data, names, partitions

    def ends(self) -> Ends:
        """Return the log's end of each partition."""
        return {name: {part: self._end(topic, part) for part in self._parts()} for name, topic in self._names.items()}

    def since(self, before: Ends, mails: int) -> dict[str, dict[str, Any]]:
        """Return of each topic what came since then: of nothing that took nothing in."""
        found = {}
        for name, ends in self.ends().items():
            came = sum(end - before[name][part] for part, end in ends.items())
            if not came:
                continue
            kept = packed(self._data, self._names[name], before[name])
            found[name] = {
                "records": came,
                "a_mail": round(came / mails, 4),
                "raw_bytes": round(self._raw(name, before[name], ends), 1),
                "packed_bytes": round(kept.size / kept.records, 1) if kept.records else None,
                "records_a_batch": round(kept.records / kept.batches, 1) if kept.batches else None,
            }
        return found

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def _parts(self) -> Iterable[int]:
        return range(self._partitions)

    def _end(self, topic: str, partition: int) -> int:
        return int(self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=PATIENCE_S)[1])

    def _raw(self, name: str, before: dict[int, int], ends: dict[int, int]) -> float:
        """Return the mean bytes of key and value of the last records."""
        sizes: list[int] = []
        for part, end in ends.items():
            begin = max(before[part], end - SAMPLE)
            if begin < end:
                self._consumer.assign([TopicPartition(self._names[name], part, begin)])
                sizes += map(_size, self._consumer.consume(end - begin, timeout=2))
        self._consumer.unassign()
        return sum(sizes) / max(len(sizes), 1)


def _size(message: Message) -> int:
    return len(message.key() or b"") + len(message.value() or b"")

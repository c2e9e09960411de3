"""Reads topics from their beginnings, again and again, as far as they go: what the checker sees of the world.

Only what is committed is read. A position is kept for each partition, so each record is handed over once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

PATIENCE_S = 60.0
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies on its topic; *at* is when it was appended (ms), 0 where nobody says."""

    topic: str
    partition: int
    offset: int
    at: int
    key: bytes | None
    value: bytes | None


class Reader:
    """Follows all partitions of some topics.

    Args:
        brokers: ``host:port,...``.
        group: whose committed offsets `committed` tells; it never joins it.
        topics: their names.
        partitions: how many each has.

    """

    def __init__(self, brokers: str, group: str, topics: Sequence[str], partitions: int) -> None:
        """Begin at the beginnings."""
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "log_level": 2,
            }
        )
        self._all = [TopicPartition(topic, number, 0) for topic in topics for number in range(partitions)]
        self.ends: dict[tuple[str, int], int] = {}
        """How far each partition has been read: the offset behind its last record."""
        self._consumer.assign(self._all)

    def read_on(self, patience: float = PATIENCE_S) -> Iterator[Record]:
        """Yield what is new, up to the present end of each partition.

        Raises:
            TimeoutError: the broker does not answer.
        """
        until = time.monotonic() + patience
        open_ = {(tp.topic, tp.partition) for tp in self._all}
        self._consumer.assign([TopicPartition(t, p, self.ends.get((t, p), 0)) for t, p in open_])
        while open_:
            for message in self._consumer.consume(BATCH, 0.2):
                error = message.error()
                if error is None:
                    yield self._record(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_.discard((message.topic() or "", message.partition() or 0))
                elif error.fatal():
                    raise KafkaException(error)
            if open_ and time.monotonic() > until:
                raise TimeoutError(f"{len(open_)} partitions could not be read to their ends in {patience} s")

    def committed(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """Return the group's committed offset of each partition, 0 where there is none."""
        wanted = set(topics)
        asked = [TopicPartition(tp.topic, tp.partition) for tp in self._all if tp.topic in wanted]
        found = self._consumer.committed(asked, timeout=10)
        return {(tp.topic, tp.partition): 0 if tp.offset == OFFSET_INVALID else max(tp.offset, 0) for tp in found}

    def high(self, topic: str, partition: int) -> int:
        """Return where the broker says that a partition ends."""
        _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        return int(high)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _record(self, message: Message) -> Record:
        topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        self.ends[topic, partition] = offset + 1
        key, value = message.key(), message.value()
        return Record(topic, partition, offset, max(message.timestamp()[1], 0), _bytes(key), _bytes(value))


def _bytes(text: str | bytes | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text

"""Reads outcomes as they come, and keeps for each moment how many came of it, and when.

A process of its own, lean, for it shares the machine with what it measures: of each outcome it looks at six bytes only,
the time of the event, which says when that was due. Nothing here knows how many are to come.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from streams.schemas.varint import raw_number

STAMP = slice(6, 12)
"""Where an outcome has the time of its event: behind the header and the kind."""
AT_ONCE = 10_000
WAIT_S = 0.1


@dataclass(slots=True)
class Answered:
    """How many outcomes came of each moment (ms since the epoch), and how many took how long (ms)."""

    outcomes: Counter[int] = field(default_factory=Counter)
    took: dict[int, Counter[float]] = field(default_factory=dict)

    def saw(self, came: Counter[bytes], now: float) -> None:
        """Note outcomes by the times in them, all had at *now*, in ms since the epoch."""
        for stamp, count in came.items():
            at = raw_number(stamp, 0)[0] >> 1
            self.outcomes[at] += count
            self.took.setdefault(at, Counter())[now - at] += count

    def since(self, at: int) -> Counter[float]:
        """Return how many outcomes of *at* and later took how long."""
        found: Counter[float] = Counter()
        for moment, times in self.took.items():
            if moment >= at:
                found.update(times)
        return found


def serve(commands: Connection, brokers: str, topic: str, partitions: int, got: Any) -> None:
    """Read all there is of *topic*, counting into *got*; at each command, send what was had since the one before."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "bench-reader",  # librdkafka wants one; none is joined
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 1,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    answered = Answered()
    while True:
        if commands.poll():
            if commands.recv() is None:
                break
            commands.send(answered)
            answered = Answered()
        messages = _read(consumer)
        if messages:
            answered.saw(Counter([_value(message)[STAMP] for message in messages]), time.time() * 1000)
            got.value += len(messages)
    consumer.close()


def _read(consumer: Consumer) -> list[Message]:
    """Return what is there; wait for one, but for no more, or the first would be told with the last."""
    first = consumer.poll(WAIT_S)
    return [] if first is None else [first, *consumer.consume(AT_ONCE, 0)]


def _value(message: Message) -> bytes:
    if (error := message.error()) is not None:
        raise RuntimeError(f"outcomes cannot be read: {error}")
    value = message.value()
    return value if isinstance(value, bytes) else b""

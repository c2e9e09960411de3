"""Reads the topics of results with a plain consumer, so that what is checked does not pass through what is checked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from streams.errors import WorldFailed

_QUIET = logging.getLogger("librdkafka")  # it would write to stderr by itself, over the page
_QUIET.addHandler(logging.NullHandler())

BITE = 5_000
WAIT_S = 0.05

Take = Callable[[bytes | None, bytes | None], None]
"""Takes one record: key and value."""


class Outlet:
    """Reads topics from their beginning, each record once, in the order of each partition."""

    def __init__(self, brokers: str, takes: Mapping[str, Take], partitions: int) -> None:
        """Read every partition of the topics that *takes* names, without a group."""
        self._takes = takes
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "demo-outlet",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
                "fetch.queue.backoff.ms": 20,  # its default, a second, stalls a reader that catches up
            },
            logger=_QUIET,
        )
        self._consumer.assign([TopicPartition(name, n, OFFSET_BEGINNING) for name in takes for n in range(partitions)])

    def read(self, seconds: float) -> int:
        """Hand on what there is, for at most about *seconds*; return how many records that was."""
        until, count = time.monotonic() + seconds, 0
        while (left := until - time.monotonic()) > 0:
            messages = self._consumer.consume(BITE, min(left, WAIT_S))
            for message in messages:
                self._hand_on(message)
            count += len(messages)
            if len(messages) < BITE:
                break
        return count

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _hand_on(self, message: Message) -> None:
        error, topic = message.error(), message.topic()
        if error is not None or topic is None:
            raise WorldFailed(f"the demo cannot read topic {topic}: {error}")
        self._takes[topic](message.key(), message.value())

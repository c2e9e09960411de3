"""Writes records to topics from outside a worker: intake, ingest, replay, the demo. Workers have the engine for that.

Nothing is done until `flush` has returned: then every record is acknowledged by all in-sync replicas. Keys go to
partitions by murmur2, as Java and Faust do; librdkafka's own default would put a message's feedback on another
partition than its send. A producer that cannot keep up slows its caller down, and gives up after *patience_s*.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.emit.connection import Words, librdkafka
from streams.errors import WorldFailed
from streams.settings import Compression, Security

PATIENCE_S = 60.0
"""How long brokers may stay silent before a record counts as not written."""

LARGEST = 1_000_000
"""Bytes of a record that is sent without asking the brokers: librdkafka's default, a little less than Kafka's."""

_QUEUE_KIB = 64 * 1024
_LINGER_MS = 20
_LISTEN_EVERY = 1000
_GRACE_S = 5.0
_QUIET = logging.getLogger("librdkafka")
_QUIET.addHandler(logging.NullHandler())


class Publisher:
    """A producer that tells the truth: use it in a ``with``, or call `flush` at the end."""

    def __init__(  # noqa: PLR0913 - each is a choice of its own, and has a name and a default
        self,
        brokers: str,
        security: Security | None = None,
        *,
        idempotent: bool = True,
        compression: Compression = Compression.LZ4,
        patience_s: float = PATIENCE_S,
        largest: int = LARGEST,
    ) -> None:
        """Connect in the background; whether there is a broker shows at the first flush.

        Above *largest* bytes a record is refused here; below, the brokers decide.
        """
        self._brokers = brokers
        self._patience_s = patience_s
        self._published = 0
        self._refused: Counter[str] = Counter()
        self._said: list[str] = []
        words = librdkafka(brokers, Security() if security is None else security)
        words |= words_of(patience_s, idempotent=idempotent, compression=compression)
        words |= {"message.max.bytes": largest}
        words |= {"on_delivery": self._heard, "error_cb": self._told}
        self._producer = Producer(words, logger=_QUIET)

    def publish(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Hand over one record; waits while the queue is full.

        Raises:
            WorldFailed: an earlier record was not acknowledged, this one is refused, or the queue stays full.

        """
        self._published += 1
        if self._published % _LISTEN_EVERY == 0:
            self._producer.poll(0)
            self._check()
        try:
            self._produce(topic, key, value)
        except KafkaException as error:
            size = len(value or b"")
            raise WorldFailed(f"topic {topic} takes no record of {size} bytes: {told(error)}") from error

    def flush(self) -> None:
        """Wait until every record is acknowledged.

        Raises:
            WorldFailed: some were not; says how many on which partition, and why.

        """
        left = self._producer.flush(self._patience_s + _GRACE_S)
        self._check()
        if left:
            raise WorldFailed(f"brokers {self._brokers}: {left} records without an answer{self._because()}")

    def __enter__(self) -> Self:
        """Return the publisher itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Flush, unless something failed already; then drop what is queued, so that the way out is short."""
        if exc is None:
            self.flush()
        else:
            self._producer.purge()

    def _produce(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Enqueue; a full queue is waited for, second by second, up to our patience."""
        until = time.monotonic() + self._patience_s
        while time.monotonic() < until:
            try:
                self._producer.produce(topic, value=value, key=key)
            except BufferError:
                self._producer.poll(1.0)
                self._check()
            else:
                return
        raise WorldFailed(f"brokers {self._brokers}: the queue stays full{self._because()}")

    def _heard(self, error: KafkaError | None, message: Message) -> None:
        """Note a record that was not acknowledged: where and why, never what."""
        if error is not None:
            where = "no partition" if message.partition() is None else f"partition {message.partition()}"
            self._refused[f"topic {message.topic()}, {where}: {error.str()}"] += 1

    def _told(self, error: KafkaError) -> None:
        """Keep librdkafka's most telling words: the first ones."""
        self._said.append(error.str())

    def _check(self) -> None:
        """Raise what was heard."""
        if self._refused:
            what = "; ".join(f"{words} ({count} records)" for words, count in sorted(self._refused.items()))
            raise WorldFailed(f"brokers {self._brokers} did not acknowledge: {what}{self._because()}")

    def _because(self) -> str:
        """Return what librdkafka said about it, if it said anything."""
        return f" ({self._said[0]})" if self._said else ""


def words_of(patience_s: float, *, idempotent: bool, compression: Compression) -> Words:
    """Return librdkafka's words for what this module promises."""
    return {
        "partitioner": "murmur2_random",  # records without a key are spread, the others go where Java would put them
        "acks": "all",
        "enable.idempotence": idempotent,
        "compression.type": compression.value,
        "linger.ms": _LINGER_MS,
        "queue.buffering.max.kbytes": _QUEUE_KIB,
        "delivery.timeout.ms": round(patience_s * 1000),
        "delivery.report.only.error": True,  # a call into Python for every success costs as much as the success
    }


def told(error: KafkaException) -> str:
    """Return what librdkafka says, without its Python wrapping."""
    told = error.args[0] if error.args else error
    return told.str() if isinstance(told, KafkaError) else str(told)

"""Reads one topic from outside a worker: once from its beginning to its end, its last records, on from its end, or one.

No group and no commit, so nobody else's reading is disturbed. The end is what the brokers list when asked first, or
what the first fetch says where that is later: the embedded broker lists the end of a log too early (docs/decisions,
0002). What is written meanwhile may be missed. What a record means is the reader's business.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.emit.connection import Words, librdkafka
from streams.errors import NO_TOPIC, WorldFailed
from streams.settings import Settings
from streams.topics import topic_name

PATIENCE_S = 30.0
"""How long brokers may send nothing before the topic counts as not readable."""

ANSWER_S = 10.0
"""How long they may take to answer a question."""

_BITE = 5_000
_WAIT_S = 0.1
_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own errors have such names; this one is documented
_SOON = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
"""What brokers answer while a partition is between two leaders, or was made a moment ago: it passes."""
_QUIET = logging.getLogger("librdkafka")
_QUIET.addHandler(logging.NullHandler())

Told = Callable[[int, int], None]
"""``told(read, all)``: how many records of how many, as far as offsets tell; compaction leaves gaps in these."""


class Row(NamedTuple):
    """One record, and where it lies. *at* is the broker's time for it, ms since the epoch; -1 where it has none.

    *headers* tells whether it has any: nothing is read from them.
    """

    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    at: int
    headers: bool = False


class Topic:
    """A topic that is being read; use it in a ``with``."""

    def __init__(
        self,
        settings: Settings,
        role: str,
        *,
        patience_s: float = PATIENCE_S,
        more: Words | None = None,
        name: str | None = None,
    ) -> None:
        """Connect in the background; the first question shows whether there is a broker.

        Args:
            settings: where the brokers are, and how topics are called.
            role: a role of streams.topics, such as `suppressions`.
            patience_s: how long the brokers may stay silent.
            more: what else librdkafka is told.
            name: how it is called, where it has no role: a changelog.

        """
        self.name = name or topic_name(settings.topic_prefix, role)
        self._brokers = settings.brokers
        self._patience_s = patience_s
        self._said: list[str] = []
        self._firsts: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        words = librdkafka(settings.brokers, settings.security) | {
            "group.id": "ses-streams-look",  # librdkafka wants one; nothing joins it and nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "fetch.queue.backoff.ms": 20,  # its default, a second, stalls a reader that catches up
            "error_cb": lambda error: self._said.append(error.str()),
        }
        self._consumer = Consumer(words | (more or {}), logger=_QUIET)

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Let go of the brokers."""
        self._consumer.close()

    @property
    def held(self) -> int:
        """Return how many records it holds, as far as offsets tell; known once it is read."""
        return _sum(self._ends, self._firsts)

    def to_the_end(self, told: Told | None = None, *, last: int | None = None) -> Iterator[Row]:
        """Yield what the topic holds now, each partition in its own order; of each the *last* so many where it is said.

        Raises:
            WorldFailed: there is no such topic, the brokers refuse, or send nothing for as long as our patience.

        """
        self._look()
        left = {number for number, end in self._ends.items() if end > self._starts[number]}
        begins = dict.fromkeys(left, OFFSET_BEGINNING)
        if last is not None:
            self._starts |= {number: max(self._starts[number], self._ends[number] - last) for number in left}
            begins = {number: self._starts[number] for number in left}
        self._consumer.assign([TopicPartition(self.name, number, begin) for number, begin in begins.items()])
        met: dict[int, int] = dict(self._starts)
        heard = time.monotonic()
        while left:
            messages = self._consumer.consume(_BITE, _WAIT_S)
            heard = time.monotonic() if messages else self._still_patient(heard, min(left), met)
            for message in messages:
                row = self._row(message, left, met)
                if row is not None:
                    yield row
            if told is not None:
                told(_sum(met, self._starts), _sum(self._ends, self._starts))

    def one(self, number: int, offset: int) -> Row | None:
        """Return the record at one place; None where there is none, or none any more.

        Raises:
            WorldFailed: as `to_the_end` does.

        """
        self._look()
        if number not in self._starts or self._ends[number] <= self._starts[number]:
            return None
        begin = max(self._starts[number], min(offset, self._ends[number] - 1))  # never from behind the end
        self._consumer.assign([TopicPartition(self.name, number, begin)])
        met, heard = {number: begin}, time.monotonic()
        while True:
            messages = self._consumer.consume(_BITE, _WAIT_S)
            heard = time.monotonic() if messages else self._still_patient(heard, number, met)
            for message in messages:
                row = self._row(message, set(), met)
                if row is None or row.offset >= offset:
                    return row if row is not None and row.offset == offset else None

    def from_now(self) -> None:
        """Stand at the end: `more` gives what comes after this. Raises WorldFailed as `to_the_end` does."""
        self._look()
        self._consumer.assign([TopicPartition(self.name, number, end) for number, end in self._ends.items()])

    def more(self, seconds: float) -> list[Row]:
        """Return what comes within *seconds*; sooner only where it is very much."""
        messages = self._consumer.consume(_BITE, seconds)
        rows = (self._row(message, set(), {}) for message in messages)
        return [row for row in rows if row is not None]

    def _look(self) -> None:
        """Ask where each partition begins and ends."""
        try:
            found = self._consumer.list_topics(self.name, ANSWER_S).topics[self.name]
            if found.error is not None or not found.partitions:
                raise WorldFailed(f"brokers {self._brokers} have no topic {self.name}: {NO_TOPIC}")
            for number in found.partitions:
                span = self._span(number)
                if span is None:
                    raise WorldFailed(f"brokers {self._brokers} do not say where {self.name}/{number} ends")
                self._starts[number], self._ends[number] = span
            self._firsts = dict(self._starts)
        except KafkaException as error:
            raise WorldFailed(f"brokers {self._brokers}: {self._told(error)}") from error

    def _row(self, message: Message, left: set[int], met: dict[int, int]) -> Row | None:
        """Return the record of a message, and note how far its partition is; None for the mere news of an end."""
        number, offset, error = message.partition(), message.offset(), message.error()
        if error is not None and error.code() == _END:
            left.discard(number or 0)
            return None
        if error is not None or number is None or offset is None:
            raise WorldFailed(f"{self.name}/{number} cannot be read at offset {offset}: {error}")
        if number in left and met[number] == self._starts[number]:
            self._ends[number] = max(self._ends[number], self._listed_again(number))
        met[number] = offset + 1
        if offset + 1 >= self._ends[number]:
            left.discard(number)
        headed = bool(message.headers())
        return Row(message.key(), message.value(), number, offset, message.timestamp()[1], headed)

    def _listed_again(self, number: int) -> int:
        """Return the end as the fetch that brought the first record said it."""
        span = self._span(number, cached=True)
        return self._ends[number] if span is None else span[1]

    def _span(self, number: int, *, cached: bool = False) -> tuple[int, int] | None:
        """Return first and next offset of a partition; None where nobody says (its type forgets that)."""
        until = time.monotonic() + ANSWER_S
        while True:
            try:
                return self._consumer.get_watermark_offsets(TopicPartition(self.name, number), ANSWER_S, cached)
            except KafkaException as error:
                if error.args[0].code() not in _SOON or time.monotonic() > until:
                    raise
                time.sleep(_WAIT_S)

    def _still_patient(self, heard: float, number: int, met: dict[int, int]) -> float:
        """Return *heard*, unless it is too long ago."""
        if time.monotonic() - heard > self._patience_s:
            raise WorldFailed(
                f"brokers {self._brokers} send nothing of {self.name}/{number} for {self._patience_s:.0f} s: it is"
                f" read up to offset {met[number]} of {self._ends[number]}{self._because()}"
            )
        return heard

    def _told(self, error: KafkaException) -> str:
        """Return librdkafka's most telling words, which come beside the exception."""
        self._consumer.poll(0)
        told = error.args[0] if error.args else error
        words = told.str() if isinstance(told, KafkaError) else str(told)
        return self._said[0] if self._said else words

    def _because(self) -> str:
        return f" ({self._said[0]})" if self._said else ""


def _sum(upto: dict[int, int], since: dict[int, int]) -> int:
    return sum(upto.values()) - sum(since.values())

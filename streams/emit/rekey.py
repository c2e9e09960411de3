"""How a stage sends a record on that lies on another partition than the one of its key.

Which key a record has is said by its value: the message id, the request id or the recipient, in normal form. What a
producer wrote beside it, if anything, only decided on which partition it lies; and librdkafka's default partitioner
decides otherwise than Java's. Worked on where it lies, it would miss the state of its key, and nobody would ever know.
So it is published once more, its value untouched, under its key: there it lies right, so it goes round once at most.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from streams.emit.dead import DeadLetters
from streams.errors import Unusable
from streams.mail.deadletter import DeadReason
from streams.partition import strays
from streams.pipeline import Chunk, Effects

log = logging.getLogger(__name__)

TELL_EVERY = 60_000
LARGEST = 1_048_588 - 512
"""Bytes of key and value that a topic of Kafka's default limit takes; the rest is for what a batch puts around them."""


class Keyed(Protocol):
    """Something read from a record, and the key to which it belongs."""

    @property
    def key(self) -> bytes:
        """Return the key in normal form."""


T = TypeVar("T", bound=Keyed)


class Rekeying:
    """Sends on what lies wrong in the chunks of one stage."""

    def __init__(self, dead: DeadLetters, names: Mapping[str, str]) -> None:
        """Keep where a record goes that cannot be sent on; *names* are the topics' names by role."""
        self._dead = dead
        self._names = names
        self._untold: Counter[str] = Counter()
        self._told_at: dict[str, int] = {}

    def here(
        self, effects: Effects, chunk: Chunk, places: Sequence[int], facts: list[T], now: int
    ) -> tuple[Sequence[int], list[T]]:
        """Return the facts that belong to the chunk's partition, with their places in it; send the others on."""
        if chunk.partitions == 1:
            return places, facts
        wrong = strays([fact.key for fact in facts], chunk.partition, chunk.partitions)
        if not wrong:
            return places, facts
        sent = sum(self._send_on(effects, chunk, places[index], facts[index].key, now) for index in wrong)
        effects.counts["ses_rekeyed_total", chunk.topic] += sent
        self._tell(chunk.topic, sent, now)
        gone = set(wrong)
        right = [index for index in range(len(facts)) if index not in gone]
        return [places[index] for index in right], [facts[index] for index in right]

    def _send_on(self, effects: Effects, chunk: Chunk, place: int, key: bytes, now: int) -> bool:
        """Publish a record again under its key; tell whether its topic is sure to take it, or it is a dead letter."""
        value = chunk.values[place]
        if len(key) + len(value or b"") <= LARGEST:
            effects.emit(chunk.topic, key, value)
            return True
        words = "on another partition than its key's, and too large to be published again under it"
        self._dead.add(effects, chunk, place, Unusable(DeadReason.TOO_LARGE, words), now)
        return False

    def _tell(self, topic: str, count: int, now: int) -> None:
        """Say in the log what was sent on, once a minute at most: it may be every record of a topic."""
        self._untold[topic] += count
        if now - self._told_at.get(topic, now - TELL_EVERY) >= TELL_EVERY:
            self._told_at[topic] = now
            log.warning(
                "%s: %d records lay on other partitions than their keys', and were published again under them: their "
                "producer should partition by murmur2 (librdkafka: partitioner=murmur2_random), see docs/producing.md",
                self._names.get(topic, topic),
                self._untold.pop(topic),
            )


def places_of(chunk: Chunk, unusable: set[int]) -> Sequence[int]:
    """Return the places of a chunk's records without those that are *unusable*."""
    if not unusable:
        return range(len(chunk))
    return [place for place in range(len(chunk)) if place not in unusable]

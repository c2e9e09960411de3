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
from typing import cast

from streams.emit.dead import DeadLetters
from streams.errors import Unusable
from streams.mail.deadletter import DeadReason
from streams.partition import strays
from streams.pipeline import Chunk, Effects

log = logging.getLogger(__name__)

TELL_EVERY = 60_000
LARGEST = 1_048_588 - 512
"""Bytes of key and value that a topic of Kafka's default limit takes; the rest is for what a batch puts around them."""


class Rekeying:
    """Sends on what lies wrong in the chunks of one stage."""

    def __init__(self, dead: DeadLetters, names: Mapping[str, str]) -> None:
        """Keep where a record goes that cannot be sent on; *names* are the topics' names by role."""
        self._dead = dead
        self._names = names
        self._untold: Counter[str] = Counter()
        self._told_at: dict[str, int] = {}

    def here(
        self, effects: Effects, chunk: Chunk, places: Sequence[int], keys: Sequence[bytes | None], now: int
    ) -> Sequence[int]:
        """Return of *places* those that belong to the chunk's partition; send the others on.

        *keys* has the key of each place of the chunk, as its value says; of *places*, none is missing.
        """
        if chunk.partitions == 1:
            return places
        said = cast("list[bytes]", keys if len(places) == len(keys) else [keys[place] for place in places])
        wrong = [places[index] for index in strays(said, chunk.partition, chunk.partitions)]
        if not wrong:
            return places
        sent = sum(self._send_on(effects, chunk, place, keys[place] or b"", now) for place in wrong)
        effects.counts["ses_rekeyed_total", chunk.topic] += sent
        self._tell(chunk.topic, sent, now)
        gone = set(wrong)
        return [place for place in places if place not in gone]

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

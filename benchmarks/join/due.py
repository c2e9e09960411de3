"""What must come of the workload, what came, and how the two differ.

Outcomes are read by their fixed places: kind, time, certain, matched, recipient and outcome_id come first in a
mail.Outcome. What is due follows from the workload's own mix and not from a rule of the product.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from benchmarks.join.workload import PARTITIONS

KINDS = {"DELIVERY": 1, "COMPLAINT": 4, "REJECT": 5, "DELIVERY_DELAY": 7, "OPEN": 9, "CLICK": 10}
"""Places of an outcome's kind among the symbols of mail.OutcomeKind, by the event; of a bounce see below."""
HARD, SOFT = 2, 3
HEADER = 5
"""Bytes of the Confluent wire format before a record's own."""
BATCH = 5_000
PATIENCE_S = 300.0


@dataclass(slots=True)
class Due:
    """What must come: outcomes by kind, and whom nobody may write to any more.

    *suspected* are those of whom SES only guesses that they complained: peers suppress them for good, ours for 30 days,
    which are over when the workload's days are long ago. So they may be there or not.
    """

    kinds: Counter[int] = field(default_factory=Counter)
    suppressed: set[bytes] = field(default_factory=set)
    suspected: set[bytes] = field(default_factory=set)

    def saw(self, role: str, record: dict[str, Any]) -> None:
        """Take a record of the workload into account."""
        if role != "feedback":
            return
        hard = record["bounce_type"] == "Permanent"
        self.kinds[KINDS.get(record["kind"], HARD if hard else SOFT)] += len(record["recipients"])
        if hard or record["kind"] == "COMPLAINT":
            certain = hard or len(record["recipients"]) == 1
            into = self.suppressed if certain else self.suspected
            into.update(one["address"].encode() for one in record["recipients"])

    @property
    def outcomes(self) -> int:
        """Return how many outcomes are due."""
        return self.kinds.total()


@dataclass(slots=True)
class Came:
    """What came: *ids* of outcomes, how many records brought them, and who is suppressed."""

    ids: set[bytes] = field(default_factory=set)
    kinds: Counter[int] = field(default_factory=Counter)
    matched: int = 0
    suppressions: int = 0
    suppressed: set[bytes] = field(default_factory=set)

    @property
    def outcomes(self) -> int:
        """Return how many outcomes came, repeats too."""
        return self.kinds.total()

    def outcome(self, value: bytes) -> None:
        """Take one mail.Outcome into account."""
        place = HEADER
        kind, place = zigzag(value, place)
        _, place = zigzag(value, place)
        self.kinds[kind] += 1
        self.matched += value[place + 1]
        length, place = zigzag(value, place + 2)
        length, place = zigzag(value, place + length)
        self.ids.add(value[place : place + length])

    def suppression(self, key: bytes, value: bytes | None) -> None:
        """Take one mail.Suppression into account; without a value it is a release."""
        self.suppressions += 1
        (self.suppressed.discard if value is None else self.suppressed.add)(key)

    def wrongs(self, due: Due) -> list[str]:
        """Return what is not as it must be, in sentences; nothing where all is right."""
        said = []
        if self.outcomes != due.outcomes:
            said.append(f"{self.outcomes} outcomes of {due.outcomes}")
        if len(self.ids) != self.outcomes:
            said.append(f"{self.outcomes - len(self.ids)} outcomes came again")
        if self.kinds != due.kinds:
            said.append(f"kinds {dict(sorted(self.kinds.items()))} for {dict(sorted(due.kinds.items()))}")
        missing, more = due.suppressed - self.suppressed, self.suppressed - due.suppressed - due.suspected
        if missing or more:
            said.append(f"of {len(due.suppressed)} suppressed {len(missing)} are missing, {len(more)} are too many")
        return said


def zigzag(value: bytes, place: int) -> tuple[int, int]:
    """Return the number that Avro has written at *place*, and where the next field begins."""
    number = shift = 0
    while True:
        byte = value[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the bit that says that more bytes follow
            return (number >> 1) ^ -(number & 1), place
        shift += 7


def came(brokers: str, outcomes: str, suppressions: str) -> Came:
    """Read both topics whole; return what is in them."""
    found = Came()
    for message in _whole(brokers, outcomes):
        found.outcome(message.value() or b"")
    for message in _whole(brokers, suppressions):
        found.suppression(message.key() or b"", message.value())
    return found


def _whole(brokers: str, topic: str) -> Iterator[Message]:
    """Yield all records of a topic, up to the end that each partition has now."""
    reader = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "bench-judge",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,  # its second's pause when the queue is full costs more than the reading
        }
    )
    reader.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    ended, until = 0, time.monotonic() + PATIENCE_S
    try:
        while ended < PARTITIONS:
            batch: Sequence[Message] = reader.consume(BATCH, 0.1)
            if time.monotonic() > until:
                raise TimeoutError(f"{topic} cannot be read to its end within {PATIENCE_S:.0f} s")
            for message in batch:
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name for it
                    ended += 1
                else:
                    raise RuntimeError(f"{topic}: {error.str()}")
    finally:
        reader.close()

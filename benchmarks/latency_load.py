"""The load of the latency run: a workload without end, played at a steady rate or as fast as it is answered.

A process of its own. Records are encoded before they are due, so that to play one costs two microseconds; only the time
at which it is due is put into it then, at the place where a Send and a Feedback have theirs. The load is open: what is
due leaves, whether or not earlier events are answered. Nothing here reads an answer.
"""

from __future__ import annotations

import gc
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from confluent_kafka import Producer

from benchmarks.join.workload import LATEST_MS, PARTITIONS, Workload
from streams.partition import partitions
from streams.schemas.codec import load_codec
from streams.schemas.varint import zigzag

RAMP = 2 * LATEST_MS
"""Records until feedback comes as often as it will: a mail each ms of event time, and the last is heard of LATEST_MS
after its send."""
TICK_MS = 5
"""What becomes due within so long leaves together, and is due at the end of it."""
STAMP = 6
"""Bytes of a time in Avro, from 1978 to 2039."""
HEADER = 5
SLICE = 5_000
HANDFUL = 200
ENDLESS = 1 << 40
PATIENCE_S = 60.0


class Record(NamedTuple):
    """A record but for its time: that stands between *head* and *tail*; so many *outcomes* must come of it."""

    topic: str
    partition: int
    key: bytes
    head: bytes
    tail: bytes
    outcomes: int


@dataclass(slots=True)
class Played:
    """What was played: how many outcomes must come of each moment (ms since the epoch), and how late each was.

    *seconds* is how long it took; *events* how many records there were.
    """

    events: int = 0
    seconds: float = 0.0
    outcomes: Counter[int] = field(default_factory=Counter)
    late_ms: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, slots=True)
class Prepare:
    """Encode so many records."""

    events: int


@dataclass(frozen=True, slots=True)
class Play:
    """Play what is prepared at a steady rate, records a second."""

    rate: float


@dataclass(frozen=True, slots=True)
class Chase:
    """Play what is prepared as fast as it is answered: no more than *window* outcomes are ever due."""

    window: int


def due_by(tick: int, rate: float) -> int:
    """Return how many records are due at the end of a tick, counted from 1, at *rate* a second."""
    return int(tick * rate * TICK_MS / 1000)


def serve(commands: Connection, brokers: str, topics: dict[str, str], got: Any) -> None:
    """Do as *commands* say until there are no more; *got* is how many outcomes whoever reads them has."""
    records, producer = records_of(topics), Producer(_settings(brokers))
    prepared: list[Record] = []
    gc.disable()  # millions of records that all stay: to walk them is time in which nothing leaves
    while (command := commands.recv()) is not None:
        match command:
            case Prepare(events):
                prepared = list(islice(records, events))
                commands.send(len(prepared))
            case Play(rate):
                commands.send(_play(producer, prepared, rate))
            case Chase(window):
                commands.send(_chase(producer, prepared, window, got))


def _settings(brokers: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": brokers,
        "linger.ms": 1,  # the records of a tick leave together
        "compression.type": "lz4",
        "queue.buffering.max.messages": 1_000_000,
    }


def records_of(topics: dict[str, str]) -> Iterator[Record]:
    """Yield the workload's records, in order of time and without end."""
    codec, endless = load_codec(), Workload(messages=ENDLESS).records()
    while True:
        some = [(role, record) for role, _, record in islice(endless, SLICE)]
        keys = [record["message_id"].encode() for _, record in some]
        for (role, record), key, place in zip(some, keys, partitions(keys, PARTITIONS), strict=True):
            is_send = role == "sends"
            value = codec.encode("mail.Send" if is_send else "mail.Feedback", record)
            at = HEADER if is_send else HEADER + 1  # a Feedback has its kind before it
            count = 0 if is_send else len(record["recipients"])
            yield Record(topics[role], place, key, value[:at], value[at + STAMP :], count)


def _play(producer: Producer, records: list[Record], rate: float) -> Played:
    played, done, tick, began = Played(events=len(records)), 0, 0, int(time.time() * 1000) + 100
    while done < len(records):
        tick += 1
        due = min(due_by(tick, rate), len(records))
        if due == done:
            continue
        at = began + tick * TICK_MS
        if (early := at / 1000 - time.time()) > 0:
            time.sleep(early)
        played.outcomes[at] += _send(producer, records, done, due, at)
        played.late_ms.append(time.time() * 1000 - at)
        done = due
    producer.flush(PATIENCE_S)
    played.seconds = tick * TICK_MS / 1000
    return played


def _chase(producer: Producer, records: list[Record], window: int, got: Any) -> Played:
    played, before, due, done, began = Played(events=len(records)), got.value, 0, 0, time.perf_counter()
    while done < len(records):
        while due - (got.value - before) >= window:
            time.sleep(0.001)
        upto, at = min(done + HANDFUL, len(records)), int(time.time() * 1000)
        count = _send(producer, records, done, upto, at)
        played.outcomes[at] += count
        due, done = due + count, upto
    played.seconds = time.perf_counter() - began
    producer.flush(PATIENCE_S)
    return played


def _send(producer: Producer, records: list[Record], first: int, last: int, at: int) -> int:
    """Produce some of the records, all of the time *at*; return how many outcomes must come of them."""
    stamp, outcomes = zigzag(at), 0
    for topic, partition, key, head, tail, count in records[first:last]:
        while True:
            try:
                producer.produce(topic, head + stamp + tail, key, partition)
                break
            except BufferError:
                producer.poll(0.01)
        outcomes += count
    producer.poll(0)
    return outcomes

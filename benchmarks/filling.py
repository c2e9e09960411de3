"""Writes what workers are to find: rows of keys and values into a topic, each on the partition of its key.

As fast as one Python process can, packed as the product packs. What the rows are is the caller's affair.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice

from confluent_kafka import Producer

from streams.partition import partitions

Rows = Iterable[tuple[bytes, bytes]]
SLICE = 10_000
PATIENCE_S = 600.0


def producer(brokers: str, linger_ms: int = 100) -> Producer:
    """Return a producer of large batches."""
    words = {"linger.ms": linger_ms, "compression.type": "zstd", "batch.size": 900_000}
    return Producer({"bootstrap.servers": brokers, "log_level": 0, **words})


def fill(brokers: str, topic: str, rows: Rows, count: int, parts: int) -> float:
    """Write *count* rows into a topic of *parts* partitions, and say so on stderr; return the bytes of a row."""
    writer, size, done = producer(brokers), 0, 0
    for slice_ in _slices(rows):
        size += put(writer, topic, slice_, parts)
        done += len(slice_)
        if done % (20 * SLICE) == 0:
            print(f"\rwriting {topic}: {done:,} of {count:,}", end="", file=sys.stderr, flush=True)
    if writer.flush(PATIENCE_S):
        raise TimeoutError(f"the brokers did not take {topic}")
    print(f"\rwriting {topic}: {done:,} of {count:,}", file=sys.stderr)
    return size / max(done, 1)


def put(writer: Producer, topic: str, rows: list[tuple[bytes, bytes]], parts: int) -> int:
    """Hand rows to the producer, and wait where it has no room; return their bytes."""
    for (key, value), partition in zip(rows, partitions([key for key, _ in rows], parts), strict=True):
        while True:
            try:
                writer.produce(topic, key=key, value=value, partition=partition)
            except BufferError:
                writer.poll(0.1)
            else:
                break
    writer.poll(0)
    return sum(len(key) + len(value) for key, value in rows)


def _slices(rows: Rows) -> Iterator[list[tuple[bytes, bytes]]]:
    every = iter(rows)
    while slice_ := list(islice(every, SLICE)):
        yield slice_

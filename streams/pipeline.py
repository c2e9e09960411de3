"""The corridor: the shapes in which records pass between the engine and the hops.

The engine hands a hop one `Chunk` (all records fetched from one partition) and a way to recall stored state;
the hop answers with `Effects`: what to emit, what to keep, what to look at again, what to count. A hop does nothing
itself, so the engine alone decides in which order things become durable: outputs, then changelog, then the local
store, then the acknowledgement. Nothing here knows Kafka, Faust or Avro.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, Protocol, runtime_checkable

Recall = Callable[[Sequence[bytes]], list[bytes | None]]
"""Read stored values for keys, in the order of the keys; None where nothing is stored. One call a chunk."""


@dataclass(slots=True, kw_only=True)
class Chunk:
    """A run of records of one partition, as columns: ``keys[i]``, ``values[i]`` and ``offsets[i]`` are one record.

    Columns of bytes, not record objects: the garbage collector does not walk them. *partitions* is how many its topic
    has; with one, as where there is no broker, no record can lie on the wrong one.
    """

    topic: str
    partition: int
    keys: list[bytes | None]
    values: list[bytes | None]
    offsets: Sequence[int]
    partitions: int = 1

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.keys)


@dataclass(slots=True)
class Batch:
    """Records for one topic; a None value is a tombstone. The engine picks partitions by murmur2 of the key."""

    keys: list[bytes] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)

    def add(self, key: bytes, value: bytes | None) -> None:
        """Append one record."""
        self.keys.append(key)
        self.values.append(value)


class SetAside(NamedTuple):
    """A record that became a dead letter: who gave it up and why (symbols of mail.DeadLetter), and where it lies."""

    stage: str
    reason: str
    topic: str
    partition: int
    offset: int


class Errand(Protocol):
    """Something to be done in the world, such as handing a mail to SES, once its intent is durable.

    The engine runs errands side by side and hands what they come to back to the hop, under the errand's *key*.
    """

    key: bytes

    async def run(self) -> Any:
        """Do it and return what came of it. What the world answers is a result; raising stops the worker."""

    def over(self) -> None:
        """Hear that it is over, however it ended, even before it began; called once."""


@dataclass(slots=True)
class Effects:
    """What a hop wants done for one chunk.

    outputs: topic (a role of streams.topics, such as "outcomes") to records.
    writes: state to store, key to bytes; None forgets the key.
    wake: (due time in ms since the epoch, keys) to be handed to `Hop.wake` once that time has passed.
    counts: (metric name, label values...) to increments, for observe; applied after all of it is durable.
    latencies: mailbox domain to milliseconds from send to delivery, for observe.
    steps: seconds that each step of the work took; a hop fills it by `Stopwatch`.
    errands: to be run after all else is durable; only of an `ActingHop`.
    set_aside: what of the chunk became dead letters, which are among the outputs; too many stop the worker.
    """

    outputs: dict[str, Batch] = field(default_factory=dict)
    writes: dict[bytes, bytes | None] = field(default_factory=dict)
    wake: list[tuple[int, list[bytes]]] = field(default_factory=list)
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    latencies: dict[str, list[int]] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    errands: list[Errand] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)

    def emit(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Add one record to the outputs."""
        batch = self.outputs.get(topic)
        if batch is None:
            batch = self.outputs[topic] = Batch()
        batch.add(key, value)


class Stopwatch:
    """Splits the time of a chunk into steps; a step lasts from the mark before it to its own."""

    def __init__(self, steps: dict[str, float]) -> None:
        """Start now; *steps* is where the seconds go."""
        self._steps = steps
        self._since = perf_counter()

    def mark(self, step: str) -> None:
        """Add the time since the last mark to *step*."""
        now = perf_counter()
        self._steps[step] = self._steps.get(step, 0.0) + now - self._since
        self._since = now

    def skip(self) -> None:
        """Leave out the time since the last mark: somebody else measures it."""
        self._since = perf_counter()


class Hop(Protocol):
    """One key, one table, one writer: the work of one stage of the pipeline."""

    name: str

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what to do about *chunk*. *now* is ms since the epoch: the clock in a worker, event time in replay."""

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Return what to do about stored *keys* whose time has come; a key may be woken too early, or twice."""

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]] | None:
        """Return what stored *values* add to gauges, in the form of `Effects.counts`; None where they add to none."""


@runtime_checkable
class ForeseeingHop(Hop, Protocol):
    """A hop that can tell from stored values when to look at them again: after a rebuild nothing else says so."""

    def looks(self, values: Sequence[bytes], now: int) -> Sequence[int]:
        """Return for each of *values* when (ms since the epoch) to wake its key; too early does no harm."""


@runtime_checkable
class ActingHop(Hop, Protocol):
    """A hop that acts in the world: it notes an intent, its errand is run, and it notes what came of it.

    Both notes are durable in the usual order, the intent before the errand begins. An errand that a crash or a
    rebalance cuts short is never heard of; the hop knows by its own note that it may have happened.
    """

    def heard(self, results: Sequence[tuple[bytes, Any]], recall: Recall, now: int) -> Effects:
        """Return what to do about *results*: keys of errands, and what each came to, in the order of their ends."""

    def is_full(self, topic: str, now: int) -> bool:
        """Tell whether to take no more from an input for now, so that what cannot go out yet stays in the topic."""

    def shared(self, part: float) -> None:
        """Hear which part of all partitions is this worker's, from 0 to 1, whenever that changes."""

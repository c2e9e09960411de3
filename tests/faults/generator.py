"""Publishes stories at a pace, reordered and repeated, and enters in the ledger what the broker has acknowledged.

It outlives the broker's outages: what is not acknowledged is tried again for as long as it takes. It runs in a thread
of its own; librdkafka does the waiting.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Protocol, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tests.faults.ledger import Ledger
from tests.faults.stories import Put, Story

WINDOW = 20
"""Stories among which records are reordered."""
TICK_S = 0.005
LATER = 8.0
"""Windows within which a record is repeated."""


@dataclass(slots=True)
class _Told:
    """A story on its way: how many of its records the broker has not acknowledged."""

    story: Story
    left: int
    failed: bool = False


@dataclass(order=True, slots=True)
class _Waiting:
    """A record that waits for its turn, among stories that are counted."""

    turn: float
    number: int
    put: Put = field(compare=False)
    told: _Told = field(compare=False)


class Tells(Protocol):
    """Whoever tells stories."""

    def tell(self) -> Story:
        """Return the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many stories at most (None: until told to stop), and how many a second."""

    mails: int | None = None
    rate: float = 300


class Traffic:
    """Traffic of one producer; use it in a ``with``, which ends when all of it is acknowledged.

    Args:
        brokers: ``host:port,...``.
        topics: role to the topic's name.
        teller: tells the stories.
        ledger: gets what was acknowledged.
        pace: how much, how fast.
        idempotent: whether the broker gives out producer ids.
        seed: of the order of the records.
        patience: seconds that the end waits for the last acknowledgements.

    """

    def __init__(  # noqa: PLR0913 - each a part of its own, by its name
        self,
        *,
        brokers: str,
        topics: Mapping[str, str],
        teller: Tells,
        ledger: Ledger,
        pace: Pace,
        idempotent: bool,
        seed: int,
        patience: float = 180,
    ) -> None:
        """Prepare the producer; nothing is published yet."""
        self._topics, self._teller, self._ledger, self._pace = topics, teller, ledger, pace
        self._chance = Random(f"order {seed}")
        self._patience = patience
        self._heap: list[_Waiting] = []
        self._open: dict[int, _Told] = {}
        self._numbers = 0
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._failure: BaseException | None = None
        self._producer = Producer(_words(brokers, idempotent=idempotent))
        self.told = self.published = self.acknowledged = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Begin no more stories, and wait until what has begun is acknowledged; at once where the test failed."""
        if kind is not None:
            self._patience = 0
        self.stop()

    def stop(self) -> None:
        """Begin no more stories; wait until what has begun is acknowledged.

        Raises:
            RuntimeError: the producer failed for good.
        """
        self._enough.set()
        self.wait()

    def wait(self) -> None:
        """Wait until all stories are told and acknowledged."""
        self._thread.join()
        if self._failure is not None:
            raise RuntimeError(f"the generator failed: {self._failure}") from self._failure

    def forget(self) -> None:
        """Never send what was not acknowledged: the cluster is gone, and to another one this producer is a stranger."""
        self._producer.purge()

    @property
    def alive(self) -> bool:
        """Tell whether there is more to come."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._publish()
            self._settle()
        except BaseException as exc:  # noqa: BLE001 - told to whoever waits for this thread
            self._failure = exc
        for told in self._open.values():
            self._ledger.doubt(told.story)
        self._ledger.commit()

    def _publish(self) -> None:
        began = time.monotonic()
        while not self._over() or self._heap:
            due = (time.monotonic() - began) * self._pace.rate
            while self.told < due and not self._over():
                self._tell()
            self._let_go(float("inf") if self._over() else due)
            self._producer.poll(TICK_S)

    def _over(self) -> bool:
        """Tell whether no further story begins."""
        return self._enough.is_set() or (self._pace.mails is not None and self.told >= self._pace.mails)

    def _tell(self) -> None:
        story = self._teller.tell()
        told = self._open[story.number] = _Told(story, sum(put.copies for put in story.puts))
        for put in story.puts:
            for copy in range(put.copies):
                later = self._chance.random() * LATER if copy else 0.0
                turn = self.told + WINDOW * (put.slot * 0.5 + self._chance.random() + later)
                self._numbers += 1
                heapq.heappush(self._heap, _Waiting(turn, self._numbers, put, told))
        self.told += 1

    def _let_go(self, until: float) -> None:
        """Publish the records whose turn has come."""
        while self._heap and self._heap[0].turn <= until:
            waiting = heapq.heappop(self._heap)
            story = waiting.told.story
            story.published_at = story.published_at or int(time.time() * 1000)
            self._produce(waiting.put, waiting.told)

    def _produce(self, put: Put, told: _Told) -> None:
        def heard(error: KafkaError | None, _: Message) -> None:
            self._heard(told, error)

        while True:
            try:
                self._producer.produce(self._topics[put.role], value=put.value, key=put.key, on_delivery=heard)
            except BufferError:  # the broker is away, and the queue is full
                self._producer.poll(0.1)
                continue
            self.published += 1
            return

    def _heard(self, told: _Told, error: KafkaError | None) -> None:
        if error is not None:
            raise KafkaException(error)
        self.acknowledged += 1
        told.left -= 1
        if not told.left:
            del self._open[told.story.number]
            self._ledger.enter(told.story)

    def _settle(self) -> None:
        """Wait for the last acknowledgements."""
        until = time.monotonic() + self._patience
        while self._open and time.monotonic() < until:
            self._producer.poll(0.05)


def _words(brokers: str, *, idempotent: bool) -> dict[str, Any]:
    return {
        "bootstrap.servers": brokers,
        "acks": "all",
        "enable.idempotence": idempotent,
        "partitioner": "murmur2_random",
        "message.timeout.ms": 0,  # for ever: it outlives every outage
        "linger.ms": 5,
        "compression.type": "lz4",
        "reconnect.backoff.max.ms": 500,
        "queue.buffering.max.messages": 500_000,
        "log_level": 2,  # connections that are refused are what we are here for
    }

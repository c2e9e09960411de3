"""Writes records from an event loop, and says of each handful when the brokers have all of it.

For whoever must not answer, or delete, before Kafka has acknowledged: the webhook, the queue. What waits is bounded in
bytes; where there is no room, `land` says so at once and the caller decides who waits. Everything happens in the
caller's loop: librdkafka does its work in threads of its own, and its answers are fetched by a tick while any is due.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.emit.connection import Words, librdkafka
from streams.emit.handful import Handful
from streams.emit.publish import told, words_of
from streams.errors import SesStreamsError, WorldFailed
from streams.settings import Producer as ProducerSettings
from streams.settings import Security

log = logging.getLogger(__name__)

LARGEST = 4 * 1024 * 1024
"""Bytes of a record that is handed over; below, the brokers decide: a topic of dead letters takes as much."""

_TICK_S = 0.003
_IDLE_TICK_S = 1.0  # for what librdkafka has to say about connections
_LINGER_MS = 5
_BATCH = 64 * 1024
"""Brokers refuse a whole batch for one record in it that is too large; what is larger than this travels alone."""
_OF_A_RECORD = 200  # what librdkafka and we need besides its bytes
_BACK_WITHIN_MS = 1_000
"""Within which brokers that were away are asked again; by itself librdkafka would take up to 10 s."""
_QUIET = logging.getLogger("librdkafka")
_QUIET.addHandler(logging.NullHandler())


class Full(SesStreamsError):
    """There is no room for more before the brokers have acknowledged some: come again later."""


class NotLanded(SesStreamsError):
    """The brokers have not acknowledged it: it must come again, and may then be there twice, under the same id."""


class Record(NamedTuple):
    """One record for a topic; *role* is a role of streams.topics."""

    role: str
    key: bytes | None
    value: bytes


class Landing:
    """A producer that is waited for: `start`, then `land`, then `stop`."""

    def __init__(  # noqa: PLR0913 - each is a choice of its own, and has a name
        self,
        brokers: str,
        security: Security,
        topics: Mapping[str, str],
        *,
        settings: ProducerSettings,
        patience_s: float,
        most_bytes: int,
        on_failure: Callable[[WorldFailed], None],
    ) -> None:
        """Connect in the background.

        Args:
            brokers: host:port, separated by commas.
            security: how to reach them.
            topics: names by role.
            settings: how records are written.
            patience_s: how long brokers may take for one record.
            most_bytes: of what waits for them.
            on_failure: told once where librdkafka cannot go on; nothing lands after that.

        """
        words = librdkafka(brokers, security)
        words |= words_of(patience_s, idempotent=settings.idempotent, compression=settings.compression)
        words |= _words_of_waiting(patience_s, most_bytes) | {"error_cb": self._told}
        self._producer = Producer(words, logger=_QUIET)
        self._brokers, self._topics, self._patience_s = brokers, topics, patience_s
        self._most_bytes, self._on_failure = most_bytes, on_failure
        self._handfuls: set[Handful] = set()
        self._roomy, self._wake = asyncio.Event(), asyncio.Event()
        self._roomy.set()
        self._ticking: asyncio.Task[None] | None = None
        self._closed: str | None = "not started"
        self.bytes = 0
        """How much waits for the brokers."""
        self.silent_since: float | None = None
        """Since when (monotonic seconds) nothing lands though something waits; None while all is well."""

    async def start(self) -> None:
        """Begin to listen to the brokers' answers."""
        self._closed = None
        self._ticking = asyncio.create_task(self._tick(), name="landing")
        self._ticking.add_done_callback(self._ticked)

    async def stop(self) -> None:
        """Take no more, wait for what waits as long as brokers may take, then give it up; twice is once."""
        self._closed = self._closed or "we stop"
        if self._handfuls:
            await asyncio.wait({handful.landed for handful in self._handfuls}, timeout=self._patience_s)
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait({self._ticking})
        self._give_up(self._closed)
        self._producer.purge()

    async def land(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged by all in-sync replicas.

        That whoever waits is cancelled does not call the records back; their room is free once they are answered.

        Raises:
            Full: there is no room; nothing was handed over.
            NotLanded: at least one was not acknowledged.

        """
        if self._closed is not None:
            raise NotLanded(self._closed)
        if not records:
            return
        size = sum(len(record.key or b"") + len(record.value) + _OF_A_RECORD for record in records)
        if self.bytes and self.bytes + size > self._most_bytes:  # one item always has room
            raise Full(f"{self.bytes} bytes wait for the brokers")
        handful = self._open(size, len(records))
        for record in records:
            self._hand_over(record, handful)
        await handful.landed

    async def room(self) -> None:
        """Return when half of the room is free."""
        await self._roomy.wait()

    def _hand_over(self, record: Record, handful: Handful) -> None:
        topic = self._topics[record.role]
        try:
            self._producer.produce(topic, value=record.value, key=record.key, on_delivery=handful.heard)
        except BufferError:  # librdkafka has twice our room: others must have handed over behind our back
            handful.missed("librdkafka's queue is full")
        except KafkaException as error:
            handful.missed(f"topic {topic} takes no record of {len(record.value)} bytes: {told(error)}")

    async def _tick(self) -> None:
        """Fetch the brokers' answers while any is due, and now and then where none is."""
        while True:
            self._producer.poll(0)
            if self._handfuls:
                await asyncio.sleep(_TICK_S)
                continue
            if self.silent_since is not None:
                await self._knock()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _IDLE_TICK_S)

    def _ticked(self, tick: asyncio.Task[None]) -> None:
        """Say that nobody listens any more, where that was not our wish: otherwise everything would wait for ever."""
        if not tick.cancelled() and (error := tick.exception()) is not None:
            self._fail(f"its answers are not heard any more: {type(error).__name__}")
            self._give_up("nobody listens")

    async def _knock(self) -> None:
        """Ask whether topics that took nothing are there again: nobody may send us anything till they are."""
        try:
            for topic in self._topics.values():
                known = await asyncio.to_thread(self._producer.list_topics, topic, _IDLE_TICK_S)
                if known.topics[topic].error is not None:
                    return
        except KafkaException:
            return
        if not self._handfuls:
            self.silent_since = None

    def _open(self, size: int, count: int) -> Handful:
        handful = Handful(size, count, self._over)
        self._handfuls.add(handful)
        self.bytes += size
        if self.silent_since is None:
            self.silent_since = time.monotonic()
        if self.bytes * 2 > self._most_bytes:
            self._roomy.clear()
        self._wake.set()
        return handful

    def _over(self, handful: Handful) -> None:
        """Free the room of a handful, and tell whoever waits for it, if anybody still does."""
        self._handfuls.discard(handful)
        self.bytes -= handful.size
        if handful.why is None:
            self.silent_since = time.monotonic() if self._handfuls else None
        if self.bytes * 2 <= self._most_bytes:
            self._roomy.set()
        if handful.landed.done():
            return
        if handful.why is None:
            handful.landed.set_result(None)
        else:
            handful.landed.set_exception(NotLanded(handful.why))

    def _give_up(self, why: str) -> None:
        for handful in list(self._handfuls):
            handful.give_up(why)

    def _told(self, error: KafkaError) -> None:
        """Hear what librdkafka says of itself; most of it passes, and what does not ends us."""
        log.debug("librdkafka: %s", error.str())
        if error.fatal():
            self._fail(error.str())

    def _fail(self, why: str) -> None:
        """Take nothing more, and say so, once."""
        if self._closed is None:
            self._closed = f"brokers {self._brokers}: {why}"
            self._on_failure(WorldFailed(f"{self._closed}. Nothing is lost: start again"))


def _words_of_waiting(patience_s: float, most_bytes: int) -> Words:
    """Return librdkafka's words for a producer that is waited for: our bytes alone bound it, and nothing lingers."""
    return {
        "message.max.bytes": LARGEST,
        "queue.buffering.max.kbytes": 2 * max(most_bytes, LARGEST) // 1024,
        "queue.buffering.max.messages": 0,  # no bound: small records would meet it long before ours
        "linger.ms": _LINGER_MS,
        "batch.size": _BATCH,
        "delivery.report.only.error": False,
        "reconnect.backoff.max.ms": _BACK_WITHIN_MS,
        # After this a topic that is not there is called so; its default of 30 s is beyond our patience.
        "topic.metadata.propagation.max.ms": round(patience_s * 500),
    }

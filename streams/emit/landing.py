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

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.emit.connection import librdkafka
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
_OF_A_RECORD = 200  # what librdkafka and we need besides its bytes
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
        words |= {"message.max.bytes": LARGEST, "linger.ms": _LINGER_MS, "delivery.report.only.error": False}
        words |= {"error_cb": self._told, "queue.buffering.max.kbytes": most_bytes // 512}
        self._producer = Producer(words, logger=_QUIET)
        self._brokers, self._topics, self._patience_s = brokers, topics, patience_s
        self._most_bytes, self._on_failure = most_bytes, on_failure
        self._handfuls: set[_Handful] = set()
        self._waits: asyncio.Future[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._failure: WorldFailed | None = None
        self.bytes = 0
        """How much waits for the brokers."""
        self.silent_since: float | None = None
        """Since when (monotonic seconds) nothing lands though something waits; None while all is well."""

    async def start(self) -> None:
        """Begin to listen to the brokers' answers."""
        self._ticking = asyncio.create_task(self._tick(), name="landing")

    async def stop(self) -> None:
        """Wait for what waits, as long as brokers may take; then stop listening."""
        if self._handfuls:
            await asyncio.wait({handful.landed for handful in self._handfuls}, timeout=self._patience_s)
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait({self._ticking})
        for handful in list(self._handfuls):
            handful.give_up("we stop")
        self._producer.purge()

    async def land(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged by all in-sync replicas.

        Raises:
            Full: there is no room: nothing was handed over, or a part that will come again.
            NotLanded: at least one was not acknowledged.

        """
        if self._failure is not None:
            raise NotLanded(str(self._failure))
        if not records:
            return
        size = sum(len(record.key or b"") + len(record.value) + _OF_A_RECORD for record in records)
        if self.bytes and self.bytes + size > self._most_bytes:  # one item always has room
            raise Full(f"{self.bytes} bytes wait for the brokers")
        handful = _Handful(self, size, len(records))
        self._wake.set()
        for record in records:
            if not handful.landed.done():
                self._hand_over(record, handful)
        await handful.landed

    async def room(self) -> None:
        """Return when there is room again."""
        while self.bytes * 2 > self._most_bytes:
            if self._waits is None or self._waits.done():
                self._waits = asyncio.get_running_loop().create_future()
            await self._waits

    def _hand_over(self, record: Record, handful: _Handful) -> None:
        topic = self._topics[record.role]
        try:
            self._producer.produce(topic, value=record.value, key=record.key, on_delivery=handful.heard)
        except BufferError:
            handful.give_up("the queue is full")
        except KafkaException as error:
            handful.give_up(f"topic {topic} takes no record of {len(record.value)} bytes: {told(error)}")

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

    async def _knock(self) -> None:
        """Ask whether brokers that did not acknowledge are there again: nobody may send us anything till they are."""
        try:
            await asyncio.to_thread(self._producer.list_topics, next(iter(self._topics.values())), _IDLE_TICK_S)
        except KafkaException:
            return
        if not self._handfuls:
            self.silent_since = None

    def __contains__(self, handful: object) -> bool:
        """Return whether it still waits."""
        return handful in self._handfuls

    def opened(self, handful: _Handful) -> None:
        """Note that something more waits."""
        self._handfuls.add(handful)
        self.bytes += handful.size
        if self.silent_since is None:
            self.silent_since = time.monotonic()

    def closed(self, handful: _Handful, *, well: bool) -> None:
        """Note that it waits no more."""
        self._handfuls.discard(handful)
        self.bytes -= handful.size
        if well:
            self.silent_since = time.monotonic() if self._handfuls else None
        if self._waits is not None and not self._waits.done() and self.bytes * 2 <= self._most_bytes:
            self._waits.set_result(None)

    def _told(self, error: KafkaError) -> None:
        """Hear what librdkafka says of itself; most of it passes, and what does not ends us."""
        log.debug("librdkafka: %s", error.str())
        if error.fatal() and self._failure is None:
            self._failure = WorldFailed(f"brokers {self._brokers}: {error.str()}. Nothing is lost: start again")
            self._on_failure(self._failure)


class _Handful:
    """Records that land together or do not."""

    __slots__ = ("_landing", "_left", "_why", "landed", "size")

    def __init__(self, landing: Landing, size: int, count: int) -> None:
        """Wait for *count* answers."""
        self._landing, self.size, self._left = landing, size, count
        self._why: str | None = None
        self.landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        landing.opened(self)

    def heard(self, error: KafkaError | None, message: Message) -> None:
        """Hear one answer; where and why, never what."""
        if error is not None:
            where = "no partition" if message.partition() is None else f"partition {message.partition()}"
            self._why = f"topic {message.topic()}, {where}: {error.str()}"
        self._left -= 1
        if self._left == 0:
            self._close()

    def give_up(self, why: str) -> None:
        """Wait no more: a record could not even be handed over. Others of the same handful may land yet."""
        self._why = why
        self._close()

    def _close(self) -> None:
        if self not in self._landing:
            return
        self._landing.closed(self, well=self._why is None)
        if self.landed.done():
            return  # whoever waited has gone; the room is free all the same
        if self._why is None:
            self.landed.set_result(None)
        else:
            self.landed.set_exception(NotLanded(self._why))

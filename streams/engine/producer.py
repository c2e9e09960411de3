"""Faust's producer, by the batch: whole record batches, a future each, awaited by whoever sent them.

Nothing per record happens in Python but one call of aiokafka's compiled builder. Durability is the caller's: a lane
awaits its own batches, so that outputs stand before the changelog, and the changelog before the commit.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.transport.drivers import aiokafka as driver

from streams.engine.config import Compression
from streams.engine.packing import pack_lightly
from streams.engine.refusals import refused
from streams.engine.sending import Refused, ask_slowly, begin_anew, drop, listen
from streams.errors import WorldFailed
from streams.partition import split
from streams.pipeline import Batch

if TYPE_CHECKING:
    from streams.engine.faustapp import FaustApp

HOLD_S = 0.05
"""How soon to ask again whether what is held back may leave."""
_NO_HEADERS: list[tuple[str, bytes | None]] = []
REQUEST_ROOM = 4 << 20
"""Largest request we make; a single record may be larger than a batch, and the topic's own limit decides then."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a run of records stands in its partition: the offsets of the first and of the last.

    *seconds* is what it took to build the batches, without the wait for the broker.
    """

    first: int
    last: int
    seconds: float


class ChunkProducer(driver.Producer):
    """Sends columns of records."""

    mundane_level = "debug"
    app: FaustApp

    def __post_init__(self) -> None:
        """Bound what is sent and not yet acknowledged."""
        super().__post_init__()
        pack_lightly()
        self._prepare_queue()

    def _prepare_queue(self) -> None:
        self._room = asyncio.Semaphore(self.app.engine.config.outstanding_batches)
        self._outstanding: dict[asyncio.Future[Any], tuple[TopicPartition, float]] = {}
        self._refusals: Refused = {}
        self._disowned: set[Any] = set()
        self._turns: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    def _settings_default(self) -> Mapping[str, Any]:
        config = self.app.engine.config
        return {
            "bootstrap_servers": list(config.brokers),
            "client_id": config.group,
            "acks": "all",
            "enable_idempotence": config.idempotent,
            "linger_ms": 0,
            "max_batch_size": config.batch_bytes,
            "max_request_size": REQUEST_ROOM,
            "compression_type": None if config.compression is Compression.NONE else str(config.compression),
            "request_timeout_ms": config.request_timeout,
        }

    def _settings_auth(self) -> Mapping[str, Any]:
        return self.app.engine.config.security.client_options()

    async def on_start(self) -> None:
        """Start, and stand between what is queued and what leaves."""
        await super().on_start()
        accumulator = self._ensure_producer()._message_accumulator
        drain = accumulator.drain_by_nodes

        def _drain_while_a_member(ignore_nodes: Any, muted_partitions: Any = frozenset()) -> Any:
            drop(accumulator, self._disowned)
            if self.app.engine.membership.fresh:
                return drain(ignore_nodes=ignore_nodes, muted_partitions=muted_partitions)
            nothing = drain(ignore_nodes=ignore_nodes, muted_partitions=set(accumulator._batches))
            self.loop.call_later(HOLD_S, accumulator._wakeup, accumulator._waiter_future)
            return nothing

        accumulator.drain_by_nodes = _drain_while_a_member
        listen(self._ensure_producer()._sender, self._refusals)
        ask_slowly(self._ensure_producer().client)

    def overdue(self, now: float, patience: float) -> WorldFailed | None:
        """Return what to say of a batch that has been on its way for more than *patience* seconds of awake time.

        An idempotent producer of aiokafka's tries for ever, and tells nobody.
        """
        if not self._outstanding:
            return None
        tp, since = next(iter(self._outstanding.values()))  # in the order in which they were sent
        if now - since <= patience:
            return None
        where, why = f"{tp.topic}/{tp.partition}", self._refusals.get(tp)
        if why is not None:
            return refused(why, f"{where}, for {now - since:.0f} s")
        return WorldFailed(f"{where}: no broker has acknowledged a batch for {now - since:.0f} s")

    def disown(self) -> None:
        """Throw away what has not left: its partitions are another's, who will do the same work."""
        accumulator = self._ensure_producer()._message_accumulator
        self._disowned |= accumulator._pending_batches  # on its way: should it come back, it is not to be tried again
        drop(accumulator, {batch for queue in accumulator._batches.values() for batch in queue})
        if accumulator._txn_manager is not None:
            begin_anew(accumulator._txn_manager)

    async def publish(self, topic: str, batch: Batch, count: int, now: int) -> float:
        """Send records to the partitions of their keys (*count* of them) and wait until all are acknowledged.

        Return the seconds that it took to sort them and to build their batches.

        Raises:
            WorldFailed: the broker did not take them in time, or refused them.
        """
        started = perf_counter()
        columns = split(batch.keys, batch.values, count)
        sorted_in = perf_counter() - started
        written: list[Written] = await _all(
            self.append(topic, partition, keys, values, now) for partition, keys, values in columns
        )
        return sorted_in + sum(run.seconds for run in written)

    async def append(
        self, topic: str, partition: int, keys: Sequence[bytes], values: Sequence[bytes | None], now: int
    ) -> Written:
        """Send records to one partition, in order, and wait until all are acknowledged; return where they stand.

        Raises:
            WorldFailed: the broker did not take them in time, or refused them.
        """
        sent, seconds, since = [], 0.0, perf_counter()
        try:
            for builder in self._built(keys, values, now):
                seconds += perf_counter() - since
                future = await self._submit(builder, topic, partition)
                sent.append((future, builder.record_count()))
                since = perf_counter()
            placed = [(await future, count) for future, count in sent]
        except KafkaError as exc:
            waited = exc.retriable or isinstance(exc, KafkaTimeoutError)
            why = self._refusals.get(TopicPartition(topic, partition), exc) if waited else exc
            raise refused(why, f"{topic}/{partition}: {len(keys)} records were not taken") from exc
        last, count = placed[-1]
        return Written(placed[0][0].offset, last.offset + count - 1, seconds)

    async def flush(self) -> None:
        """Wait for all that is outstanding; raise what failed, but not what was given up: nobody waits for that."""
        if self._producer is not None:
            await self._producer.flush()
        sent = list(self._outstanding)
        if sent:
            await asyncio.wait(sent)
        for future in sent:
            if not future.cancelled():  # it would end Faust's committing for good, without a word
                future.result()

    def _built(self, keys: Sequence[bytes], values: Sequence[bytes | None], now: int) -> Iterator[BatchBuilder]:
        """Yield closed batches; a batch that is full makes way for the next."""
        builder = self._ensure_producer().create_batch()
        append, index = builder._builder.append, 0
        for key, value in zip(keys, values, strict=True):
            if append(index, now, key, value, _NO_HEADERS) is None:
                yield _closed(builder, index)
                builder = self._ensure_producer().create_batch()
                append, index = builder._builder.append, 0
                append(0, now, key, value, _NO_HEADERS)  # the first record of a batch always fits
            index += 1
        if index:
            yield _closed(builder, index)

    async def _submit(self, builder: BatchBuilder, topic: str, partition: int) -> asyncio.Future[Any]:
        """Queue a batch behind those that came before it.

        aiokafka queues one batch a partition and lets a newcomer in before whoever waits; it also counts the whole wait
        anew at each try, so that a lane which lost often enough was told within a second that 40 had passed.
        """
        async with self._turns[topic, partition]:
            await self._room.acquire()
            try:
                future = await self._queue(builder, topic, partition)
            except BaseException:
                self._room.release()
                raise
        self._outstanding[future] = TopicPartition(topic, partition), self.app.engine.awake.seconds
        future.add_done_callback(self._landed)
        return future

    async def _queue(self, builder: BatchBuilder, topic: str, partition: int) -> asyncio.Future[Any]:
        """Wait for the place in aiokafka's queue; how long is too long, `overdue` says, of the batch that has it."""
        while True:
            try:
                future = await self._ensure_producer().send_batch(builder, topic, partition=partition)
                return cast("asyncio.Future[Any]", future)
            except KafkaTimeoutError:
                if not any(tp == (topic, partition) for tp, _ in self._outstanding.values()):
                    raise  # nobody has it: it is something else that takes too long

    def _landed(self, future: asyncio.Future[Any]) -> None:
        tp, _ = self._outstanding.pop(future)
        self._refusals.pop(tp, None)
        self._room.release()
        if not future.cancelled():
            future.exception()  # whoever sent it has it too; a lane that was cancelled does not look


def _closed(builder: BatchBuilder, count: int) -> BatchBuilder:
    builder._relative_offset = count
    builder.close()
    return builder


async def _all(work: Iterator[Any]) -> list[Any]:
    """Run all to their end, then raise the first failure or return what came: none is left to run on alone."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results

"""The consumer's thread: heartbeats and fetching go on here while the main loop works.

Makes the aiokafka consumer with our settings, takes runs out of its fetcher, and hears its heartbeats. `consumer` is
the main loop's side of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import aiokafka
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownMemberIdError,
)
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.ear import Ear
from streams.engine.fetch import Drain, fetched_end, fetched_runs, log_end, poke, position
from streams.engine.refusals import refused

if TYPE_CHECKING:
    from streams.engine.consumer import ChunkConsumer
    from streams.engine.faustapp import FaustApp

FETCH_TIMEOUT_S = 1.0
NO_GENERATION = -1


class Listener(driver.ConsumerRebalanceListener):
    """Tells apart partitions that we give back from partitions that were taken while we were not heard of."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> Any:
        """Remember whether the group still knows us; when not, whatever we write now is another's to write."""
        coordinator = self._thread._ensure_consumer()._coordinator
        cast("FaustApp", self._thread.app).engine.membership.lost = coordinator.generation == NO_GENERATION
        cast("ChunkThread", self._thread).ear.forget()
        return super().on_partitions_revoked(revoked)


class ChunkThread(driver.AIOKafkaConsumerThread):
    """The thread's side: makes the aiokafka consumer and takes runs from its fetcher."""

    mundane_level = "debug"
    app: FaustApp

    def __post_init__(self) -> None:
        """Make room for batches that are larger than a chunk."""
        super().__post_init__()
        engine = self.app.engine
        self._drain = Drain(engine.config.chunk_records)
        self.ear = Ear(
            lambda error, where: engine.tell(engine.fail, error, where),
            lambda jump: engine.tell(cast("ChunkConsumer", self.consumer).jumped, jump),
        )

    def _create_worker_consumer(
        self,
        transport: driver.Transport,  # noqa: ARG002 # Faust's signature
    ) -> aiokafka.AIOKafkaConsumer:
        """Return the consumer with our settings: Faust's has a fixed fetch wait and reads uncommitted."""
        config = self.app.engine.config
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            client_id=config.group,
            group_id=config.group,
            group_instance_id=config.instance_id,
            bootstrap_servers=list(config.brokers),
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=config.fetch_wait,
            max_partition_fetch_bytes=config.fetch_bytes,
            check_crcs=config.check_crcs,
            request_timeout_ms=config.request_timeout,
            session_timeout_ms=config.session_timeout,
            heartbeat_interval_ms=config.heartbeat_interval,
            rebalance_timeout_ms=config.rebalance_timeout,
            **config.security.client_options(),
        )

    async def on_start(self) -> None:
        """Start the consumer, then listen in on its heartbeats and on what the brokers answer it."""
        await super().on_start()
        consumer, engine = self._ensure_consumer(), self.app.engine
        engine.membership.listen(consumer._coordinator, self._ousted)
        self.ear.listen(consumer)

    def _ousted(self) -> None:
        """Stop where another worker has our name: joining again would oust that one, and so on for ever."""
        engine = self.app.engine
        if engine.config.instance_id is not None:
            engine.membership.lost = True  # our partitions are that one's now
            closing = self._ensure_consumer()._coordinator._closing
            if not closing.done():
                closing.set_result(None)  # else it joins again before we are down
            where = f"group {engine.config.group}, instance {engine.config.instance_id}"
            engine.tell(engine.fail, refused(UnknownMemberIdError(), where), "consumer group")

    async def on_thread_stop(self) -> None:
        """Leave the group: aiokafka does not where generations begin at 0, as the embedded broker's do."""
        if self._consumer is not None and self._consumer._coordinator.generation == 0:
            self._consumer._coordinator.generation = 1
        await super().on_thread_stop()

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 # Faust calls it so
        max_records: int | None = None,  # noqa: ARG002 # Faust calls it so
    ) -> Any:
        """Return (generation, runs by partition): which group generation fetched them decides whether they count."""
        if not self.consumer.flow_active:
            return NO_GENERATION, {}
        fetcher = consumer._fetcher
        engine = self.app.engine

        def wanted(tp: TopicPartition) -> bool:
            return tp in active_partitions and not engine.is_full(tp)  # Faust's live set: asked anew each time

        try:
            with fetcher._subscriptions.fetch_context():
                runs = await fetched_runs(fetcher, self._drain, wanted, timeout or FETCH_TIMEOUT_S)
        except KafkaError as exc:
            raise refused(exc, self._place_of(exc)) from exc
        return consumer._coordinator.generation, runs

    def poke(self) -> None:
        """Say that a full lane has room again; from the main thread."""
        if self._consumer is not None and not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(poke, self._consumer._fetcher)

    def _place_of(self, error: KafkaError) -> str:
        """Return the topic, or the partition and offset, that an error of fetching names."""
        match error:
            case TopicAuthorizationFailedError():
                return str(error.args[0])
            case RecordTooLargeError(args=(_, TopicPartition() as tp, int() as offset, *_)):
                return f"{tp.topic}/{tp.partition} offset {offset}"
            case CorruptRecordException(args=(str() as place,)):
                return place
            case _:
                return "fetch"

    def fetches_at(self, tp: TP) -> int | None:
        """Return the offset that is fetched next; None while it is not known."""
        return position(self._ensure_consumer()._fetcher, tp)

    def log_end(self, tp: TP) -> int | None:
        """Return the offset after the last record, readable or not yet, as the last fetch said."""
        return log_end(self._ensure_consumer()._fetcher, tp)

    def fetch_end(self, tp: TP) -> int | None:
        """Return the offset after the last readable record, as the last fetch said; None before the first."""
        return fetched_end(self._ensure_consumer()._fetcher, tp)

"""The Faust app with our parts in it: transport, table, schema and recovery. Wiring only; the work is elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import faust
import faust.tables.manager
from faust.app import base
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.assignor import Assignor
from streams.engine.consumer import ChunkConsumer
from streams.engine.producer import ChunkProducer
from streams.engine.recovery import Recovery
from streams.errors import BadSettings

if TYPE_CHECKING:
    from streams.engine.app import ChunkApp

AgentFunction = Callable[[AsyncIterable[Any]], Awaitable[None]]
QUEUE_CHUNKS = 64
"""Of an agent's stream. The agent only sorts chunks into lanes, so it is never long; fetching stops at full lanes."""


class ChunkTransport(driver.Transport):
    """Faust's aiokafka transport, with our consumer and producer."""

    Consumer = ChunkConsumer
    Producer = ChunkProducer


class ChunkSchema(faust.Schema):  # type: ignore[type-arg] # cannot be indexed at run time
    """Decodes nothing: an event's value is the `Delivery`."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        """Return Faust's decoder of messages."""
        create_event = app.create_event

        async def _decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 # Faust calls it by name
            return create_event(None, message.value, None, message)

        return _decode


class ChunkTable(faust.Table):  # type: ignore[type-arg] # cannot be indexed at run time
    """A name for a changelog, so that Faust assigns it beside its inputs; the state is in `streams.engine.store`."""

    mundane_level = "debug"

    async def on_start(self) -> None:
        """Declare nothing: topics are created up front."""

    def persisted_offset(self, tp: TP) -> int | None:  # noqa: ARG002 # Faust asks for a partition's
        """Return None: `Recovery` asks the store itself."""
        return None

    async def on_rebalance(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: stores open in recovery, and close when partitions go."""


class TableManager(faust.tables.manager.TableManager):
    """Faust's, with our recovery."""

    mundane_level = "debug"

    async def on_start(self) -> None:
        """Start without Faust's second of waiting: its conductor waits for agents and tables by itself."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        """Return the one recovery service."""
        if self._recovery is None:
            self._recovery = Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return cast("Recovery", self._recovery)


class FaustApp(faust.App):
    """Faust's app; *engine* is the way back for the parts that Faust makes."""

    mundane_level = "debug"

    class BootStrategy(base.BootStrategy):
        """No web of Faust's, under any setting: its table pages serve state without asking who wants it."""

        enable_web = False

    def __init__(self, engine: ChunkApp) -> None:
        """Say everything to Faust that it would otherwise look for in the environment."""
        self.engine = engine
        config = engine.config
        super().__init__(
            config.group,
            broker=[f"kafka://{address}" for address in config.brokers],
            datadir=str(config.data_dir),
            store="memory://",
            processing_guarantee="at_least_once",
            autodiscover=False,
            web_enabled=False,
            canonical_url=engine.tables.url,
            topic_partitions=config.partitions,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=config.standbys,
            stream_wait_empty=True,
            stream_recovery_delay=0.0,
            stream_buffer_maxsize=QUEUE_CHUNKS,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=config.instance_id,
            broker_session_timeout=config.session_timeout / 1000,
            broker_heartbeat_interval=config.heartbeat_interval / 1000,
            broker_rebalance_timeout=config.rebalance_timeout / 1000,
            broker_request_timeout=max(config.request_timeout, config.session_timeout) / 1000,
            broker_commit_interval=config.commit_interval / 1000,
            TableManager=TableManager,
            PartitionAssignor=Assignor,
        )

    def read(self, topics: list[str], function: AgentFunction, name: str) -> None:
        """Make an agent of *function* over *topics*; its events' values are deliveries."""
        channel = self.topic(*topics, schema=ChunkSchema(), key_type=bytes, value_type=bytes)
        self.agent(channel, name=name)(function)

    def follow(self, table: str, changelog: str) -> None:
        """Register a table's changelog, so that it is assigned beside the inputs."""
        named = ChunkTable(self, name=table, key_type=bytes, value_type=bytes, partitions=self.conf.topic_partitions)
        if named.changelog_topic_name != changelog:
            raise BadSettings(f"Faust names the changelog {named.changelog_topic_name}, not {changelog}")
        self.tables.add(named)

    def _new_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> ChunkTransport:
        return ChunkTransport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Make none: stores make their own."""

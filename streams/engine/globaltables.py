"""Global tables: every worker's own copy of whole compacted topics, there before its first lane opens.

A lane sees the state of its own keys only; whether somebody is suppressed it must know whoever it is. So each worker
reads all partitions, outside of the group, and keeps them on its disk. The reading is `follower`'s, the disk is
`globalstore`'s; no hop and no value is known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.follower import Follower
from streams.engine.globalstore import GlobalStore
from streams.engine.rocks import Tuning
from streams.errors import WorldFailed
from streams.pipeline import Recall

if TYPE_CHECKING:
    from streams.engine.app import ChunkApp

DIRECTORY = "global"
"""Beside the directories of tables; no table may have this name."""


class GlobalTables:
    """All global tables of a worker: a store each, one consumer and one task for all."""

    def __init__(self, engine: ChunkApp) -> None:
        """Start without any."""
        self._engine = engine
        self._topics: dict[str, str] = {}
        self._stores: dict[str, GlobalStore] = {}
        self._caught_up = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._follower: Follower | None = None
        self._task: asyncio.Task[None] | None = None

    def add(self, role: str, topic: str) -> Recall:
        """Have a topic copied; return how to look into the copy, which raises WorldFailed while it is not open."""
        self._topics[role] = topic

        def recall(keys: Sequence[bytes]) -> list[bytes | None]:
            store = self._stores.get(role)
            if store is None:
                raise WorldFailed(f"global table {role} is not open")
            return store.recall(keys)

        return recall

    @property
    def topics(self) -> set[str]:
        """Return the topics that are copied."""
        return set(self._topics.values())

    @property
    def remaining(self) -> int:
        """Return how many offsets are still to be read before lanes open, as far as ends are known."""
        return 0 if self._follower is None else self._follower.remaining

    async def start(self, counts: Mapping[str, int], tuning: Tuning) -> None:
        """Open the stores and begin to read; *counts* is the number of partitions of each topic."""
        if not self._topics:
            self._caught_up.set()
            return
        config = self._engine.config
        stores: dict[TopicPartition, GlobalStore] = {}
        for role, topic in self._topics.items():
            path = Path(config.data_dir) / config.group / DIRECTORY / role
            self._stores[role] = store = GlobalStore(path, tuning, topic)
            stores |= {TopicPartition(topic, partition): store for partition in range(counts[topic])}
        self._consumer = self._new_consumer()
        await self._consumer.start()
        self._follower = Follower(self._consumer, stores, config, self._engine.moved)
        self._task = asyncio.create_task(self._run(self._follower), name="global tables")

    async def caught_up(self) -> None:
        """Wait until all tables have reached the ends that their topics had at the start."""
        await self._caught_up.wait()

    async def stop(self) -> None:
        """Stop following, and close what is open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._follower is not None and self._engine.failure is None:
            self._follower.vouch()
        if self._consumer is not None:
            await self._consumer.stop()
        for store in self._stores.values():
            store.close()
        self._stores.clear()

    async def _run(self, follower: Follower) -> None:
        try:
            await follower.catch_up()
            self._caught_up.set()
            await follower.follow()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the copies are not the topics: the worker stops
            where = "" if follower.at is None else f", {follower.at.topic}/{follower.at.partition}"
            self._engine.fail(exc, f"global tables{where}")

    def _new_consumer(self) -> AIOKafkaConsumer:
        """Return a consumer without a group: it commits nothing and has no part in rebalances."""
        config = self._engine.config
        return AIOKafkaConsumer(
            client_id=f"{config.group}-global",
            bootstrap_servers=list(config.brokers),
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # where it happens, a run begins elsewhere than we are, and we see it
            isolation_level="read_committed",
            fetch_max_wait_ms=config.fetch_wait,
            max_partition_fetch_bytes=config.fetch_bytes,
            check_crcs=config.check_crcs,
            request_timeout_ms=config.request_timeout,
            **config.security.client_options(),
        )

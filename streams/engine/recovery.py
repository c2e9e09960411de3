"""Rebuilding state from changelogs, in place of Faust's recovery and in its slot.

Faust's own proved unsound here: an error while applying a changelog is logged and passed over, a broker that answers
late ends the recovery service without a word, the hand-over clears queues behind positions that have moved on, and
its idea of a changelog's end is one request that a changelog may never reach. So: assignment is Faust's; reading the
changelog, knowing its end, and handing over are done here, in an order that can be read from top to bottom.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, cast

import faust.tables.recovery
from aiokafka.errors import IllegalStateError
from faust.types import TP
from mode import Service

from streams.engine.delivery import Delivery
from streams.engine.store import Store

if TYPE_CHECKING:
    from streams.engine.consumer import ChunkConsumer
    from streams.engine.faustapp import FaustApp

log = logging.getLogger(__name__)

LOOK_S = 0.01
RECOGNISE_S = 5.0
"""How long to wait for the last record we knew; compaction may have taken it, and then nothing comes."""


class Recovery(faust.tables.recovery.Recovery):
    """Brings the stores of assigned partitions up to their changelogs' ends, then lets the streams flow.

    A changelog's end is the later of what the broker lists and what its fetches say: Kafka's list is exact even when
    a new leader's fetches lag behind, the embedded broker's fetches are exact while its list is not.
    """

    mundane_level = "debug"
    app: FaustApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start with nothing to recover."""
        super().__init__(*args, **kwargs)
        self._stores: dict[TP, Store] = {}
        self._reached: dict[TP, int] = {}
        self._listed: dict[TP, int] = {}
        self._pending: set[TP] = set()
        self._foreign: set[TP] = set()
        self._doubted: dict[TP, float] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def remaining(self) -> int:
        """Return how many changelog offsets are still to be read, as far as ends are known."""
        return sum(max(self._end(tp) - self._reached[tp], 0) for tp in self._pending)

    async def on_rebalance(
        self,
        assigned: set[TP],  # noqa: ARG002 # Faust's signature
        revoked: set[TP],  # noqa: ARG002 # Faust's signature
        newly_assigned: set[TP],  # noqa: ARG002 # Faust's signature
        generation_id: int = 0,
    ) -> None:
        """Recover what was assigned; Faust calls it after each rebalance."""
        if generation_id != self.app.consumer_generation_id:
            return  # a newer rebalance is on its way
        self.active_tps = {tp for tp in self.app.assignor.assigned_actives() if self._is_changelog_tp(tp)}
        self._generation_id = generation_id
        self.app.engine.membership.renew()
        await self.abandon()
        self._task = asyncio.create_task(self._run(generation_id))

    async def abandon(self) -> None:
        """Give up a recovery under way: its partitions are about to go."""
        task, self._task = self._task, None
        self._pending.clear()
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})

    def take(self, delivery: Delivery) -> None:
        """Apply a fetched run of a changelog; the fetch loop calls it."""
        tp, chunk = delivery.tp, delivery.chunk
        if tp not in self._pending or tp in self._foreign or delivery.start > self._reached[tp]:
            return  # fetched before the last seek
        if delivery.start < self._reached[tp] or not self._recognises(delivery):
            self._foreign.add(tp)
            return
        try:
            self._stores[tp].apply(chunk.keys, chunk.values, delivery.next_offset, _now())
        except Exception as exc:  # noqa: BLE001 # whatever it is, the state is not whole: the worker stops
            self.app.engine.fail(exc, f"recovery of {delivery}")
            return
        self._reached[tp] = delivery.next_offset
        self.app.engine.moved()

    def _recognises(self, delivery: Delivery) -> bool:
        """Return whether a run may begin here: the first one begins with the last record that we applied.

        Compaction may have taken that record; then there is nothing to recognise, and nothing against it.
        """
        tp, chunk = delivery.tp, delivery.chunk
        doubted = self._doubted.pop(tp, None) is not None
        if not doubted or not len(chunk) or chunk.offsets[0] != delivery.start:
            return True
        return self._stores[tp].knows(chunk.keys[0], chunk.values[0])

    async def _run(self, generation: int) -> None:
        try:
            await self._recover(generation)
        except asyncio.CancelledError:
            raise
        except IllegalStateError as exc:
            if self.app.consumer_generation_id == generation and not self.app.rebalancing:
                self.app.engine.fail(exc, "recovery")  # else the assignment has gone: the next one recovers
        except Exception as exc:  # noqa: BLE001 # a recovery that did not end well must not look like one that did
            self.app.engine.fail(exc, "recovery")

    async def _recover(self, generation: int) -> None:
        consumer = cast("ChunkConsumer", self.app.consumer)
        self._set_recovery_started()
        started = time.monotonic()
        await self._open_stores()
        if self._pending:
            await self._seek()
            consumer.resume_partitions(self._pending)
            await self._flow()
            await self._catch_up()
            consumer.pause_partitions(self.active_tps)
        await self.app.engine.globals.caught_up()  # no lane may look into a copy that lacks something
        log.info("state of %d partitions is up to date after %.1f s", len(self._stores), time.monotonic() - started)
        await self._hand_over(generation)

    async def _open_stores(self) -> None:
        self._stores = {}
        for tp in sorted(self.active_tps):
            self._stores[tp] = self.app.engine.open_store(tp)  # in the loop: a thread could not be called off
            await asyncio.sleep(0)
        self._foreign.clear()
        self._reached = {tp: store.position for tp, store in self._stores.items()}
        self._pending = set(self._stores)

    async def _seek(self) -> None:
        """Go to the last record that each store knows, or to the beginning where that is gone."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        begins = await consumer.earliest_offsets(*self._pending)
        self._listed = {tp: end or 0 for tp, end in (await consumer.highwaters(*self._pending)).items()}
        for tp, store in self._stores.items():
            begin = begins[tp] or 0
            if self._is_outdated(tp, store, begin):
                store.wipe()
            store.position = max(store.position, begin)
            self._reached[tp] = max(store.position - 1, begin)
        known = [tp for tp, store in self._stores.items() if self._reached[tp] < store.position]
        self._doubted = dict.fromkeys(known, time.monotonic() + RECOGNISE_S)
        await consumer.seek_wait(dict(self._reached))

    def _is_outdated(self, tp: TP, store: Store, begin: int) -> bool:
        """Return whether the changelog can no longer bring a store up to date."""
        if 0 < store.position < begin:
            log.error("%s/%d no longer has what follows local state: rebuilding it", tp.topic, tp.partition)
            return True
        behind = 0 < store.position < self._listed[tp]
        if behind and _now() - store.kept_at > self.app.engine.config.trusted_for:
            log.warning("%s/%d: local state is too old to catch up: rebuilding it", tp.topic, tp.partition)
            return True
        return False

    async def _catch_up(self) -> None:
        """Wait until every store has reached its changelog's end; rebuild those that lie beyond it."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        while self._pending:
            for tp in sorted(self._pending):
                fetched = consumer.fetch_end(tp)
                if fetched is None:
                    continue
                if tp in self._foreign or self._stores[tp].position > self._end(tp):
                    await self._rebuild(tp)
                elif self._stores[tp].position == self._end(tp) and self._doubted.get(tp, 0.0) < time.monotonic():
                    self._pending.discard(tp)
            await asyncio.sleep(LOOK_S)

    async def _rebuild(self, tp: TP) -> None:
        """Start a partition over: its changelog is shorter than what was applied, or another than we knew."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        log.error("%s/%d is not the changelog that local state came from: rebuilding it", tp.topic, tp.partition)
        store = self._stores[tp]
        store.wipe()
        begin = (await consumer.earliest_offsets(tp))[tp] or 0
        store.position = self._reached[tp] = begin
        await consumer.seek_wait({tp: begin})
        self._foreign.discard(tp)
        self._doubted.pop(tp, None)

    def _end(self, tp: TP) -> int:
        fetched = cast("ChunkConsumer", self.app.consumer).fetch_end(tp)
        return max(self._listed.get(tp, 0), fetched or 0)

    async def _hand_over(self, generation: int) -> None:
        """Let the streams flow: positions first, then queues, fetching last: nothing is cleared behind us."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        await self.app.on_rebalance_complete.send()
        if consumer.assignment():  # there may be more workers than partitions
            await consumer.perform_seek()
        if self.app.consumer_generation_id != generation:
            return
        self._set_recovery_ended()
        self.app.engine.open_lanes({tp: self._stores[tp] for tp in self._stores})
        consumer.resume_partitions({tp for tp in consumer.assignment() if not self._is_changelog_tp(tp)})
        await self._flow()
        self.completed.set()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        self.app.on_rebalance_end()
        self.app.engine.running()

    async def _flow(self) -> None:
        self.app.flow_control.resume()
        self.app.consumer.resume_flow()
        await self.app._fetcher.maybe_start()

    def flush_buffers(self) -> None:
        """Do nothing: nothing is buffered."""

    @Service.task
    async def _restart_recovery(self) -> None:
        """Do nothing: `on_rebalance` starts a task of its own."""

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Do nothing: `take` is called with what was fetched."""

    @Service.task
    async def _publish_stats(self) -> None:
        """Do nothing: `streams.engine.progress` says how far it is."""


def _now() -> int:
    return int(time.time() * 1000)

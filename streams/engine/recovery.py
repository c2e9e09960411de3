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
from streams.engine.place import Place
from streams.engine.standby import Standbys

if TYPE_CHECKING:
    from streams.engine.consumer import ChunkConsumer
    from streams.engine.faustapp import FaustApp

log = logging.getLogger(__name__)

LOOK_S = 0.01
SAY_S = 5.0
"""How often a long recovery says how far it is."""


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
        self.standbys = Standbys(self.app.engine)
        self._places: dict[TP, Place] = {}
        self._pending: set[TP] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def remaining(self) -> int:
        """Return how many changelog offsets are still to be read, as far as ends are known."""
        return sum(self._places[tp].left(self._log_end(tp)) for tp in self._pending)

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
        assignor = self.app.assignor
        self.active_tps = {tp for tp in assignor.assigned_actives() if self._is_changelog_tp(tp)}
        self.standby_tps = {tp for tp in assignor.assigned_standbys() if self._is_changelog_tp(tp)} - self.active_tps
        self._generation_id = generation_id
        self.app.engine.membership.renew()
        await self.abandon()
        self._task = asyncio.create_task(self._run(generation_id))

    async def abandon(self) -> None:
        """Give up a recovery under way, and standbys: partitions are about to go."""
        task, self._task = self._task, None
        self._pending.clear()
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})
        self.standbys.end()

    def take(self, delivery: Delivery) -> None:
        """Apply a fetched run of a changelog; the fetch loop calls it."""
        try:
            if delivery.tp in self._pending:
                if self._places[delivery.tp].take(delivery, _now()):
                    self.app.engine.moved()
            elif delivery.tp in self.standbys:
                self.standbys.take(delivery)
        except Exception as exc:  # noqa: BLE001 # whatever it is, the state is not whole: the worker stops
            self.app.engine.fail(exc, f"recovery of {delivery}")

    async def _run(self, generation: int) -> None:
        try:
            await self._recover(generation)
        except asyncio.CancelledError:
            raise
        except IllegalStateError as exc:
            if self.app.consumer_generation_id == generation and not self.app.rebalancing:
                self.app.engine.fail(exc, "recovery")  # else the assignment has gone: the next one recovers
        except Exception as exc:  # noqa: BLE001 # a recovery that did not end well must not look like one that did
            if not self.app.should_stop:  # else it was cut short with the rest, and opens no lane
                self.app.engine.fail(exc, "recovery")

    async def _recover(self, generation: int) -> None:
        consumer = cast("ChunkConsumer", self.app.consumer)
        self._set_recovery_started()
        started = time.monotonic()
        await self._open_stores()
        if self._places:
            await self._seek()
            consumer.resume_partitions(self._pending)
            await self._flow()
            await self._catch_up()
            consumer.pause_partitions(self.active_tps)
            await self._settle()
        await self.app.engine.globals.caught_up()  # no lane may look into a copy that lacks something
        log.info("state of %d partitions is up to date after %.1f s", len(self._places), time.monotonic() - started)
        await self._hand_over(generation)
        await self.standbys.begin(self.standby_tps)

    async def _open_stores(self) -> None:
        self._places, trusted_for = {}, self.app.engine.config.trusted_for
        for tp in sorted(self.active_tps):
            store = self.app.engine.open_store(tp)  # in the loop: a thread could not be called off
            self._places[tp] = Place(tp, store, trusted_for)
            await asyncio.sleep(0)

    async def _seek(self) -> None:
        """Go to the last record that each store knows, or to the beginning where that is gone."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        begins = await consumer.earliest_offsets(*self._places)
        ends = await consumer.highwaters(*self._places)
        now = _now()
        seeks = {tp: place.begin(begins[tp] or 0, ends[tp] or 0, now) for tp, place in self._places.items()}
        await consumer.seek_wait(seeks)
        self._pending = set(self._places)
        log.info("recovering %d partitions: %d changelog offsets to read", len(seeks), self.remaining)

    async def _catch_up(self) -> None:
        """Wait until every store has reached its changelog's end; rebuild those that lie beyond it."""
        whole, began = self.remaining, time.monotonic()
        said = began
        while self._pending:
            for tp in sorted(self._pending):
                await self._look_at(self._places[tp])
            if time.monotonic() - said >= SAY_S:
                said = time.monotonic()
                _say(whole, self.remaining, said - began)
                self._say_what_is_open()
            await asyncio.sleep(LOOK_S)

    async def _look_at(self, place: Place) -> None:
        """Strike a partition off when it is there; start it over when its changelog is not what the store knows."""
        end = self._log_end(place.tp)
        if end is None:
            return
        consumer = cast("ChunkConsumer", self.app.consumer)
        if place.is_foreign or place.is_astray or place.is_beyond(end):
            begin = (await consumer.earliest_offsets(place.tp))[place.tp] or 0
            if place.is_foreign or place.is_beyond(end) or begin > place.reached:
                await consumer.seek_wait({place.tp: place.start_over(begin)})
            place.is_astray = False
        elif place.is_there(end):
            self._pending.discard(place.tp)

    async def _settle(self) -> None:
        """Make durable what was applied: what lanes write must never outlive it."""
        for place in self._places.values():
            place.store.settle(_now())
            self.app.engine.moved()
            await asyncio.sleep(0)

    def _say_what_is_open(self) -> None:
        """Log which partitions are read up to a transaction that is not decided: what they hold is not known."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        for tp in sorted(self._pending):
            end, readable = self._log_end(tp), consumer.fetch_end(tp)
            if end is not None and readable is not None and self._places[tp].reached >= readable < end:
                log.warning("%s/%d offset %d: we wait for a transaction to be committed or aborted", *tp, readable)

    def _log_end(self, tp: TP) -> int | None:
        return cast("ChunkConsumer", self.app.consumer).log_end(tp)

    async def _hand_over(self, generation: int) -> None:
        """Let the streams flow: positions first, then queues, fetching last: nothing is cleared behind us."""
        consumer = cast("ChunkConsumer", self.app.consumer)
        await self.app.on_rebalance_complete.send()
        if consumer.assignment():  # there may be more workers than partitions
            await consumer.perform_seek()
        if self.app.consumer_generation_id != generation:
            return
        self._set_recovery_ended()
        self.app.engine.open_lanes({tp: place.store for tp, place in self._places.items()})
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


def _say(whole: int, left: int, seconds: float) -> None:
    """Log how far it is; the number of records is that of offsets, some of which compaction has emptied."""
    done = max(whole - left, 0)
    rate = done / seconds
    about = f"about {left / rate:.0f} s left" if rate else "no end in sight"
    log.info("recovering: %d of %d records, %.0f/s, %s", done, whole, rate, about)


def _now() -> int:
    return int(time.time() * 1000)

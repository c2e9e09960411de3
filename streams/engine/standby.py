"""Standbys: stores of partitions that are somebody else's, kept up to date so that a takeover begins near the end.

They follow in the background of the lanes: a standby that is far behind gets a share of the loop, and no more. Timers
are not in a changelog, and whoever owns the partition fires them: a standby has none, and gets them when it becomes a
lane's (`Store.due`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from aiokafka.errors import IllegalStateError
from faust.types import TP

from streams.engine.delivery import Delivery
from streams.engine.place import Place

if TYPE_CHECKING:
    from streams.engine.app import ChunkApp
    from streams.engine.consumer import ChunkConsumer

log = logging.getLogger(__name__)

SHARE = 0.25
"""Of the loop's time, at most: a lane's chunk waits a little for a standby's, and never for several."""


class Standbys:
    """The standbys of a worker; they end with each assignment, and begin anew with the next."""

    def __init__(self, engine: ChunkApp) -> None:
        """Start without any."""
        self._engine = engine
        self._places: dict[TP, Place] = {}
        self._up_to_date: set[TP] = set()
        self._rests_until = 0.0
        self._mending: set[asyncio.Task[None]] = set()

    @property
    def _consumer(self) -> ChunkConsumer:
        return cast("ChunkConsumer", self._engine.recovery.app.consumer)

    def __contains__(self, tp: TP) -> bool:
        """Return whether a changelog's partition is followed here."""
        return tp in self._places

    async def begin(self, tps: Iterable[TP]) -> None:
        """Open the stores of *tps*, find out where to go on, and let them be fetched."""
        consumer = self._consumer
        places = {}
        for tp in sorted(tps):
            store = self._engine.open_standby(tp)
            store.disarm()
            places[tp] = Place(tp, store, self._engine.config.trusted_for)
            await asyncio.sleep(0)
        if not places:
            return
        begins = await consumer.earliest_offsets(*places)
        ends = await consumer.highwaters(*places)
        now = _now()
        seeks = {tp: place.begin(begins[tp] or 0, ends[tp] or 0, now) for tp, place in places.items()}
        await consumer.seek_wait(seeks)
        self._places = places
        consumer.resume_partitions(places)
        left = sum(place.left(None) for place in places.values())
        log.info("standing by for %d partitions, %d changelog offsets behind", len(places), left)

    def end(self) -> None:
        """Follow no more: stores are about to close, or to become a lane's."""
        for task in self._mending:
            task.cancel()
        self._mending.clear()
        self._places = {}
        self._up_to_date.clear()

    def rests(self, tp: TP) -> bool:
        """Return whether to leave a standby alone for now; called from the consumer's thread."""
        return tp in self._places and time.monotonic() < self._rests_until

    def take(self, delivery: Delivery) -> None:
        """Apply a fetched run, then rest as long as the share of the loop asks for."""
        started, place = time.monotonic(), self._places[delivery.tp]
        if not place.take(delivery, _now()):
            self._mend(place)
            return
        if place.is_there(self._consumer.log_end(place.tp) or 0):
            place.store.vouch(_now())
            if place.tp not in self._up_to_date:
                self._up_to_date.add(place.tp)
                log.info("standby of %s/%d has caught up at offset %d", *place.tp, place.reached)
        rest = (time.monotonic() - started) * (1 / SHARE - 1)
        self._rests_until = time.monotonic() + rest
        asyncio.get_running_loop().call_later(rest, self._consumer.poke)

    def _mend(self, place: Place) -> None:
        """Find out why a run does not follow, away from the fetch loop, which must not wait."""
        if self._mending:
            return
        task = asyncio.create_task(self._look_into(place))
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)

    async def _look_into(self, place: Place) -> None:
        try:
            begin = (await self._consumer.earliest_offsets(place.tp))[place.tp] or 0
            if place.is_foreign or begin > place.reached:
                await self._consumer.seek_wait({place.tp: place.start_over(begin)})
                place.store.disarm()
            place.is_astray = False
        except IllegalStateError:
            pass  # the assignment has gone: the next one begins anew
        except Exception as exc:  # noqa: BLE001 - whatever it is, the copy is not the changelog: the worker stops
            self._engine.fail(exc, f"standby of {place.tp.topic}/{place.tp.partition}")


def _now() -> int:
    return int(time.time() * 1000)

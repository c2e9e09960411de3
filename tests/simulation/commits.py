"""How a worker of this world commits: what Faust's consumer does with the ledger, the producer and the group."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from faust.types import TP

from tests.simulation.broker import Weather
from tests.simulation.loop import WORLD

if TYPE_CHECKING:
    from tests.simulation.worker import Worker


class Commits:
    """Commits what is finished; one at a time."""

    def __init__(self, worker: Worker, weather: Weather) -> None:
        """Begin with nothing to commit."""
        self._worker = worker
        self._weather = weather
        self._turn = asyncio.Lock()
        self._is_due = False

    async def now(self) -> None:
        """Commit what the ledger says, once all that was sent is acknowledged."""
        worker, self._is_due = self._worker, False
        async with self._turn:
            ledger = worker.ledger
            offsets = {tp: at for tp in ledger.partitions() if (at := ledger.advance(tp)) is not None}
            if not offsets:
                return
            try:
                await worker.producer.flush()
            except Exception as exc:  # noqa: BLE001 - whatever it is, it stops the worker
                worker.fail(exc, "commit")
                return
            taken = worker.loop.create_future()
            worker.loop.call_later(self._weather.delay(), self._come, worker.generation, offsets, taken, context=WORLD)
            if await taken:
                ledger.committed(offsets)
            else:
                self.soon()  # the ledger offers it again

    def soon(self) -> None:
        """Commit within the interval; the engine does so once an interval, whether there is anything or not."""
        if not self._is_due:
            self._is_due = True
            loop, seconds = self._worker.loop, self._worker.config.commit_interval / 1000
            loop.call_later(seconds * self._weather.delay() * 40, lambda: loop.create_task(self.now()))

    def _come(self, generation: int, offsets: dict[TP, int], taken: asyncio.Future[bool]) -> None:
        """Be the broker: it commits though nobody waits for it any more."""
        worker = self._worker
        done = not self._weather.mute and worker.group.commit(worker, generation, offsets)
        worker.loop.call_later(
            self._weather.delay(), lambda: None if taken.done() else taken.set_result(done), context=WORLD
        )

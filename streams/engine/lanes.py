"""All lanes of a worker: which one a delivery goes to, which have no room, how they open and come to rest."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from faust.types import TP

from streams.engine.config import EngineConfig
from streams.engine.delivery import Delivery
from streams.engine.inbox import Inbox
from streams.engine.lane import Lane
from streams.engine.limit import Limit
from streams.engine.membership import Membership
from streams.engine.producer import ChunkProducer
from streams.engine.route import Route, Witness
from streams.engine.store import Store
from streams.pipeline import ActingHop, Hop

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One hop and its topics: *inputs* and *changelog* are topic names, *outputs* and *first* (see Route) are roles."""

    hop: Hop
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    table: str
    changelog: str
    witness: Witness | None
    first: frozenset[str] = frozenset()


class Lanes:
    """The lanes of the partitions that are ours, and the tasks that run them."""

    def __init__(
        self,
        config: EngineConfig,
        membership: Membership,
        on_fail: Callable[[BaseException, str], None],
        on_room: Callable[[], None],
    ) -> None:
        """Start without any: `open` comes after recovery."""
        self._config = config
        self._membership = membership
        self._on_fail = on_fail
        self._on_room = on_room
        self._lanes: dict[TP, Lane] = {}
        self._limits = defaultdict[str, Limit](lambda: Limit(config.dead_letter_share, config.dead_letter_window))
        self._tasks: dict[asyncio.Task[None], Lane] = {}

    def __bool__(self) -> bool:
        """Return whether any lane is not at rest."""
        return bool(self._tasks)

    def open(self, line: Line, route: Route, partition: int, store: Store, producer: ChunkProducer) -> None:
        """Open the lane of one partition of a line, for all of the line's inputs."""
        lane = Lane(
            route=route,
            partition=partition,
            store=store,
            producer=producer,
            wake_keys=self._config.wake_keys,
            wake_interval=self._config.wake_interval / 1000,
            on_room=self._on_room,
            on_acted=self._on_acted,
            limit=self._limits[line.hop.name],
            inbox=Inbox([TP(topic, partition) for topic in line.inputs], self._config.chunk_records),
        )
        self._lanes.update(dict.fromkeys(lane.inbox.queues, lane))
        task = asyncio.create_task(lane.run(), name=f"lane {line.hop.name}/{partition}")
        self._tasks[task] = lane
        task.add_done_callback(self._ended)
        if lane.acting is not None:
            lane.acting.shared(len(self._of(lane.acting)) / self._config.partitions)

    def put(self, delivery: Delivery) -> None:
        """Give a delivery to its lane; one whose partition has gone stays unacknowledged, for its new owner."""
        lane = self._lanes.get(delivery.tp)
        if lane is not None and not lane.is_closing():
            lane.put(delivery)

    def is_open(self, tp: TP) -> bool:
        """Return whether an input's partition is worked on here, so that the state beside it is whole and ours."""
        lane = self._lanes.get(tp)
        return lane is not None and not lane.is_closing()

    def is_full(self, tp: TP) -> bool:
        """Return whether to fetch no more of a partition for now; called from the consumer's thread too."""
        lane = self._lanes.get(tp)
        return lane is not None and lane.inbox.records[tp] >= self._config.backlog_chunks * self._config.chunk_records

    def is_held(self, tp: TP) -> bool:
        """Return whether what waits in a partition waits because its hop is full, and not because its lane hangs."""
        lane = self._lanes.get(tp)
        return lane is not None and lane.is_idle and tp in lane.held

    async def rest(self) -> bool:
        """End all lanes, each after its chunk and its errands; at once when the partitions are lost.

        Return whether all ended well. What takes longer than half of the time for a stop is cut short: errands may
        take up to half a minute, and whoever waits for us may not wait as long.
        """
        tasks = set(self._tasks)
        for acting in {id(lane.acting): lane.acting for lane in self._tasks.values() if lane.acting}.values():
            acting.shared(0.0)
        for lane in self._tasks.values():
            lane.close()
        patience = 0.0 if self._membership.lost else self._config.stop_timeout / 2000
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        late = {task for task in tasks if not task.done()}
        for task in late:
            running = self._tasks[task].errands.running
            log.warning("%s did not come to rest: it is cut short, with %d errands", task.get_name(), running)
            task.cancel()
        if late:
            await asyncio.wait(late)
        for lane in self._tasks.values():
            if lane.route.witness is not None:
                lane.route.witness.counted(lane.route.hop.name, lane.partition, None)
        self._lanes.clear()
        self._tasks.clear()
        return not late and not any(task.cancelled() or task.exception() for task in tasks)

    def _of(self, acting: ActingHop) -> list[Lane]:
        return [lane for lane in self._tasks.values() if lane.acting is acting]

    def _on_acted(self, actor: Lane) -> None:
        """Let the hop's other lanes look again: what one of them heard, or has taken, concerns all."""
        if actor.acting is not None:
            for lane in self._of(actor.acting):
                if lane is not actor:
                    lane.look_again()

    def _ended(self, task: asyncio.Task[None]) -> None:
        lane = self._tasks.get(task)
        if task.cancelled() or task.exception() is None:
            return
        name = task.get_name()
        where = name if lane is None or lane.at is None else f"{name}, {lane.at}"
        failure = task.exception()
        if failure is not None:
            self._on_fail(failure, where)

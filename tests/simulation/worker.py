"""One life of one worker: the engine's own lanes, notary, ledger, recovery and membership, put together without Faust.

What Faust does between them (assignment comes, flow stops, lanes rest, commit, flush, let go) follows
`streams.engine.consumer` and `streams.engine.app` line by line; read them side by side.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP

from streams.engine.config import EngineConfig
from streams.engine.delivery import Delivery, Ledger
from streams.engine.lanes import Lanes
from streams.engine.lines import Lines
from streams.engine.producer import ChunkProducer
from streams.engine.recovery import Recovery
from streams.engine.rocks import Tuning
from streams.engine.store import Store
from streams.engine.timers import at_once
from streams.errors import WorldFailed
from streams.pipeline import ForeseeingHop
from tests.simulation.app import App, NoGlobals, Standing, tables_of
from tests.simulation.broker import Broker, Group, Weather, Word, fold
from tests.simulation.commits import Commits
from tests.simulation.consumer import Consumer
from tests.simulation.loop import WORLD, Loop, Process
from tests.simulation.producer import Producer

GROUP = "g"
TUNING = cast("Tuning", SimpleNamespace(fresh_bytes=2_000, flush_ms=600_000))
"""All that a store asks for where there is no RocksDB: it writes after a few keys, or a second."""
WAKE_INTERVAL = 10 * 60_000
"""An idle lane looks for what is due by name; this is only for a hop that was full."""


class Worker:
    """A process that works on the partitions which the group gives it."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a world is made of
        self,
        name: str,
        home: Path,
        loop: Loop,
        broker: Broker,
        group: Group,
        weather: Weather,
        on_end: Callable[[Worker, bool], None],
    ) -> None:
        """Make it ready to `live`; *on_end* hears that it has stopped by itself, and whether it had failed."""
        self.process = Process(name)
        self.lines: Lines
        self.config = EngineConfig(
            brokers=("none",),
            group=GROUP,
            data_dir=home,
            partitions=broker.partitions,
            wake_interval=WAKE_INTERVAL,
        )
        self.loop = loop
        self._broker = broker
        self.group = group
        self._weather = weather
        self._on_end = on_end
        self.membership = Standing(self.config.session_timeout)
        self.lanes = Lanes(self.config, self.membership, self.fail, self._on_room)
        self.ledger = Ledger()
        self.producer = Producer(self.process, self.membership, broker, weather, loop)
        self.consumer = Consumer(self, broker, weather, group.chance)
        self.failure: BaseException | None = None
        self.is_stopping = False
        self.is_running = False
        self.has_standbys = False
        self.generation = 0
        self.taken: list[Delivery] = []
        self.stores: dict[TP, Store] = {}
        self.globals = NoGlobals()
        self._partitions: tuple[int, ...] = ()
        self._words: deque[Word] = deque()
        self._poked = asyncio.Event()
        self.commits = Commits(self, weather)

    def wire(self, lines: Lines) -> None:
        """Take the hops."""
        self.lines = lines
        self.recovery = Recovery(App(self), cast("Any", tables_of(lines)))

    async def live(self) -> None:
        """Join the group, do what it says, and stop when told or when something fails."""
        fetching = asyncio.create_task(self.consumer.run())
        await asyncio.sleep(self._weather.delay())
        self.group.join(self)
        while not self.is_stopping and self.failure is None:
            self._poked.clear()
            if self._words:
                await self._obey(self._words.popleft())
            else:
                await self._poked.wait()
        await self._end(fetching)

    def told(self, word: Word) -> None:
        """Hear from the group, though perhaps not at once."""
        self._words.append(word)
        self.loop.call_soon(self._poked.set, context=self.process.context)

    def stop(self) -> None:
        """Ask for a clean stop."""
        self.is_stopping = True
        self.loop.call_soon(self._poked.set, context=self.process.context)

    def look_at_silence(self) -> None:
        """End at once when the group has not answered for longer than one should wait: the engine's `Runner` does."""
        if not self.membership.is_heard:
            self.failure = self.failure or WorldFailed("the brokers have not answered")
            self.loop.call_soon(self._on_end, self, True, context=WORLD)  # noqa: FBT003 - it has failed

    def not_done(self, tp: TP, offset: int) -> list[str]:
        """Return what was taken of a partition before *offset* and is not done."""
        return [str(one) for one in self.taken if one.tp == tp and one.start < offset and not one.done]

    def is_changelog(self, tp: TP) -> bool:
        """Return whether a partition is of a changelog."""
        return tp.topic.endswith("-changelog")

    def actives(self) -> set[TP]:
        """Return the partitions of inputs and changelogs that are ours."""
        return {TP(topic, partition) for topic in self.lines.keyed for partition in self._partitions}

    def standbys(self) -> set[TP]:
        """Return the changelogs' partitions that are others', all of which a worker with partitions follows."""
        others = set(range(self._broker.partitions)) - set(self._partitions)
        follows = self.has_standbys and bool(self._partitions)
        return {TP(line.changelog, partition) for line in self.lines for partition in others if follows}

    # What recovery asks of the engine.

    def open_store(self, tp: TP) -> Store:
        """Open the store of a changelog's partition."""
        line = self.lines.of_changelog(tp.topic)
        path = self.config.data_dir / GROUP / line.table / str(tp.partition)
        foresee = line.hop.looks if isinstance(line.hop, ForeseeingHop) else at_once
        self.stores[tp] = store = Store(path, TUNING, foresee)
        return store

    open_standby = open_store

    def open_lanes(self, stores: Mapping[TP, Store]) -> None:
        """Open a lane for each partition whose state is up to date."""
        counts = dict.fromkeys((*self.lines.keyed, *self.lines.others), self._broker.partitions)
        for tp, store in stores.items():
            line = self.lines.of_changelog(tp.topic)
            begin: Any = line.hop
            begin.begin(
                tp.partition, {topic: self.consumer.positions[TP(topic, tp.partition)] for topic in line.inputs}
            )
            self._look_at(tp, store)
            route = self.lines.route(line, counts)
            self.lanes.open(line, route, tp.partition, store, cast("ChunkProducer", self.producer))

    def _look_at(self, tp: TP, store: Store) -> None:
        """Tell the world when a lane is about to begin over a store that is not what its changelog adds up to."""
        folded = fold(self._broker.logs[tp].rows[: store.position])
        if store.recall(list(folded)) != list(folded.values()) or sum(map(len, store.values(1000))) != len(folded):
            self._broker.wrong.append(
                f"{tp.topic}/{tp.partition}: a lane began over another state than the changelog's"
            )

    def fail(self, error: BaseException, where: str) -> None:
        """Stop because of *error*; only the first one counts."""
        if self.failure is None:
            self.failure = error
            error.add_note(where)
            self.loop.call_later(0.05 * self._weather.delay(), self._poked.set)

    def moved(self) -> None:
        """Note that something was recovered."""

    def running(self) -> None:
        """Note that the streams flow."""
        self.is_running = True

    # What Faust does with the group's words.

    async def _obey(self, word: Word) -> None:
        if word.out:
            await asyncio.sleep(self._weather.delay())  # a heartbeat goes, and its answer comes
            self.membership.lost = True
        if word.generation == 0:
            await self._revoked()
            self.group.join(self)
            return
        self.generation, self._partitions = word.generation, word.partitions
        self.membership.is_heard = True
        self.membership.renew()
        self.consumer.own(sorted(self.actives() | self.standbys()))
        await self.recovery.on_rebalance(set(), set(), set(), word.generation)

    async def _revoked(self) -> None:
        """Give partitions back: stop the flow, rest, commit, flush, let go; in the order of Faust and of ours."""
        self.is_running = False
        await self.recovery.abandon()
        self.consumer.stop_flow()
        await self.lanes.rest()
        if self.membership.lost:
            self.producer.disown()
        else:
            await self.commits.now()
        try:
            await self.producer.flush()
        except Exception as exc:  # noqa: BLE001 # whatever it is, it stops the worker
            self.fail(exc, "flush")
        self.let_go()

    def let_go(self) -> None:
        """Close all state."""
        for store in self.stores.values():
            store.close()
        self.stores.clear()
        self.ledger.forget(list(self.ledger.partitions()))
        self.taken.clear()
        self.consumer.own([])

    def _on_room(self) -> None:
        self.consumer.poke()
        self.commits.soon()

    async def _end(self, fetching: asyncio.Task[None]) -> None:
        """Stop in time, or be cut short."""
        try:
            async with asyncio.timeout(self.config.stop_timeout / 1000):
                await self._revoked()
                self.group.leave(self)
        except TimeoutError:
            self.loop.call_later(self.config.session_timeout / 1000, self.group.leave, self, context=WORLD)
        fetching.cancel()
        self.loop.call_soon(self._on_end, self, self.failure is not None, context=WORLD)

"""The engine's front door: hops, their topics and tables go in; `run` works until told to stop.

Each hop gets one Faust agent over its inputs, which sorts chunks into lanes; the rest is wiring between the parts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from faust.types import TP

from streams.engine.config import EngineConfig
from streams.engine.consumer import ChunkConsumer
from streams.engine.delivery import Delivery
from streams.engine.faustapp import FaustApp, TableManager
from streams.engine.globaltables import GlobalTables
from streams.engine.lanes import Lanes
from streams.engine.lines import Lines
from streams.engine.membership import Membership
from streams.engine.preflight import check_parts, check_topics
from streams.engine.producer import ChunkProducer
from streams.engine.progress import Progress, State
from streams.engine.recovery import Recovery
from streams.engine.rocks import Tuning
from streams.engine.route import Witness
from streams.engine.run import Runner, Step, described, where_from
from streams.engine.store import Store
from streams.engine.survey import Survey
from streams.engine.tables import Tables
from streams.engine.timers import at_once
from streams.engine.watchdog import Awake
from streams.errors import BadSettings
from streams.pipeline import ForeseeingHop, Hop, Recall

log = logging.getLogger(__name__)


class ChunkApp:
    """One worker: hops over topics, with state that survives it."""

    def __init__(self, config: EngineConfig, topics: Mapping[str, str]) -> None:
        """Take the settings and the topics' names by role; nothing starts yet."""
        self.config = config
        self.lines = Lines(config.group, topics)
        self.awake = Awake()
        self.services: list[tuple[Step, Step]] = []
        self.failure: str | None = None
        self.membership = Membership(config.session_timeout)
        self.survey = Survey(config, self._owned, self.fail)
        self._lanes = Lanes(config, self.membership, self.fail, self._on_room)
        self._stores: dict[TP, Store] = {}
        self._counts: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state = State.STARTING
        self.moved()
        self._runner = Runner(self)
        self._tuning: Tuning | None = None
        self.globals = GlobalTables(self)
        self.tables = Tables(self)
        self.faust: FaustApp | None = None
        self.is_at_rest = True

    def add_hop(  # noqa: PLR0913, PLR0917 - as of Lines.add
        self,
        hop: Hop,
        inputs: Sequence[str],
        outputs: Sequence[str] = (),
        table: str = "",
        witness: Witness | None = None,
        first: Sequence[str] = (),
    ) -> None:
        """Have *hop* work on the input roles, keep its state in *table*, and emit to the output roles.

        What goes to the outputs named in *first* is acknowledged before anything leaves for the others.

        Raises:
            BadSettings: a role has no topic, *first* is not among the outputs, or the table or an input is taken.
        """
        self.lines.add(hop, inputs, outputs, table, witness, first)

    def add_global(self, role: str) -> Recall:
        """Have every worker keep a copy of all of a compacted topic; return how to look up keys in it.

        No lane opens before the copy has caught up. Until then, and after the end, a look raises WorldFailed.

        Raises:
            BadSettings: the role has no topic.
        """
        if role not in self.lines.topics:
            raise BadSettings(f"global table {role} is without a topic")
        return self.globals.add(role, self.lines.topics[role])

    def add_service(self, start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]) -> None:
        """Have something run in the same loop: started before the hops, stopped after them."""
        self.services.append((start, stop))

    def run(self) -> int:
        """Work until SIGTERM, SIGINT, `request_stop` or a failure; return the exit code."""
        return self._runner.run()

    def request_stop(self) -> None:
        """Ask for a clean stop, from any thread."""
        self._runner.request_stop()

    def progress(self) -> Progress:
        """Return how it goes; call it in the engine's loop."""
        consumer = None if self.faust is None else cast("ChunkConsumer | None", self.faust._consumer)
        owned = () if consumer is None or not self.is_running else consumer.owned()
        committed_at = None if consumer is None else consumer.committed_at
        return Progress(
            state=self._state,
            partitions=owned,
            recovery_remaining=self._remaining() if self._state is State.RECOVERING else 0,
            moved_at=self._moved_at,
            committed_at=None if committed_at is None else int(committed_at * 1000),
            failure=self.failure,
            lost={} if consumer is None else {self.role_of(t): n for t, n in consumer.ledger.lost.items()},
        )

    # What follows is for the parts of the engine only.

    @property
    def is_running(self) -> bool:
        """Return whether the streams flow."""
        return self._state is State.RUNNING

    @property
    def recovery(self) -> Recovery:
        """Return the recovery service."""
        return cast("TableManager", cast("FaustApp", self.faust).tables).recovery

    async def prepare(self) -> None:
        """Check what must hold, then build the Faust app."""
        check_parts()
        self._loop = asyncio.get_running_loop()
        keyed, others = self.lines.keyed, self.lines.others | self.globals.topics
        self._counts = await check_topics(self.config, keyed, others - keyed)
        self.survey.expect(self._counts)
        ours = self.config
        databases = ours.partitions * len(self.lines) + len(self.globals.topics)
        self._tuning = Tuning(ours.state_cache_bytes, ours.state_buffer_bytes, databases, ours.state_flush)
        await self.globals.start(self._counts, self._tuning)
        self.membership.renew()
        self.faust = FaustApp(self)
        for line in self.lines:
            self.faust.follow(line.table, line.changelog)
            self.faust.read(list(line.inputs), self._agent(line.hop), line.hop.name)

    def role_of(self, topic: str) -> str:
        """Return the role that a topic plays; a changelog plays none and keeps its name."""
        return self.lines.role_of(topic)

    def is_full(self, tp: TP) -> bool:
        """Return whether a partition is to be fetched no further for now."""
        return self._lanes.is_full(tp) or self.recovery.standbys.rests(tp)

    def is_held(self, tp: TP) -> bool:
        """Return whether a partition's hop is full and takes no more for now."""
        return self._lanes.is_held(tp)

    def tell(self, heard: Callable[..., None], *words: Any) -> None:
        """Have something called in the engine's loop; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(heard, *words)

    def fail(self, error: BaseException, where: str) -> None:
        """Stop the worker because of *error*; only the first one counts, and no payload is logged."""
        if self.failure is not None:
            return
        self.failure = f"{where}: {described(error)}"
        log.critical("stopping: %s%s", self.failure, where_from(error))

    def open_store(self, tp: TP) -> Store:
        """Open the store of a changelog's partition, to be brought up to date and given to a lane."""
        self._state = State.RECOVERING
        return self.open_standby(tp)

    def open_standby(self, tp: TP) -> Store:
        """Open the store of a changelog's partition that another worker writes."""
        line = self.lines.of_changelog(tp.topic)
        path = Path(self.config.data_dir) / self.config.group / line.table / str(tp.partition)
        foresee = line.hop.looks if isinstance(line.hop, ForeseeingHop) else at_once
        self._stores[tp] = store = Store(path, cast("Tuning", self._tuning), foresee)
        return store

    def open_lanes(self, stores: Mapping[TP, Store]) -> None:
        """Open a lane for each partition whose state is up to date."""
        producer = cast("ChunkProducer", cast("FaustApp", self.faust).producer)
        for tp, store in stores.items():
            line = self.lines.of_changelog(tp.topic)
            self._lanes.open(line, self.lines.route(line, self._counts), tp.partition, store, producer)
        self.is_at_rest = False

    async def rest(self) -> None:
        """Bring all lanes to rest; once they are, again is nothing."""
        self.is_at_rest = await self._lanes.rest() if self._lanes else self.is_at_rest

    def let_go(self) -> None:
        """Close all state: its partitions are ours no longer, or the worker ends."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()
        if self.is_running:
            self._state = State.RECOVERING

    def running(self) -> None:
        """Note that the streams flow."""
        self._state = State.RUNNING
        self.moved()

    def stopping(self) -> None:
        """Note that it ends."""
        self._state = State.STOPPING

    def moved(self) -> None:
        """Note that something was finished or recovered."""
        self._moved_at = int(time.time() * 1000)

    def _on_room(self) -> None:
        self.moved()
        if self.faust is not None:
            cast("ChunkConsumer", self.faust.consumer).poke()

    def _agent(self, hop: Hop) -> Callable[[AsyncIterable[Any]], Awaitable[None]]:
        async def sort(stream: Any) -> None:
            try:
                async for delivery in stream.noack():  # only a finished lane acknowledges
                    self._lanes.put(cast("Delivery", delivery))
            except Exception as exc:
                self.fail(exc, f"agent {hop.name}")  # else Faust would start another and go on
                raise

        sort.__doc__ = (type(hop).__doc__ or hop.name).partition("\n")[0]
        sort.__name__ = sort.__qualname__ = hop.name
        return sort

    def _owned(self) -> list[TP]:
        consumer = None if self.faust is None else cast("ChunkConsumer | None", self.faust._consumer)
        return [] if consumer is None or not self.is_running else consumer.inputs()

    def _remaining(self) -> int:
        return self.recovery.remaining + self.globals.remaining

"""Faust's consumer, chunk-wise: one message a fetched run, commits by our own ledger, a hand-over without loss.

This is the main loop's side; `thread` is the other. Assignment, subscription and the fetch loop's life are Faust's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.engine.delivery import Delivery, Ledger
from streams.engine.ear import Jump
from streams.engine.fetch import Run
from streams.engine.progress import PartitionProgress
from streams.engine.thread import FETCH_TIMEOUT_S, ChunkThread, Listener
from streams.pipeline import Chunk

if TYPE_CHECKING:
    from streams.engine.faustapp import FaustApp
    from streams.engine.producer import ChunkProducer


AT_ONCE = 16
"""Runs handed on side by side. One after the other each would wait for three rounds of the loop, and in a round every
lane has its turn; at more than six in an agent's queue, Faust would fetch their partitions no further."""


class ChunkConsumer(driver.Consumer):
    """The main loop's side: hands deliveries on, and commits what the ledger says."""

    RebalanceListener = Listener
    mundane_level = "debug"
    app: FaustApp
    _thread: ChunkThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Open the ledger."""
        self.ledger = Ledger()
        self.committed_at: float | None = None
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    def poke(self) -> None:
        """Let the fetch loop look again at what is wanted."""
        self._thread.poke()

    def fetch_end(self, tp: TP) -> int | None:
        """Return the end of a partition as its last fetch said; None before its first."""
        return self._thread.fetch_end(tp)

    def log_end(self, tp: TP) -> int | None:
        """Return the end of a partition, with what is in an open transaction; None before its first fetch."""
        return self._thread.log_end(tp)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from partitions again, at once."""
        super().resume_partitions(tps)
        self.poke()

    def finished(self, tp: TP) -> int | None:
        """Return the offset that follows what is finished of a partition; None where nothing is known of it.

        Where nothing was finished yet, it is where work begins: at what is waiting, or at what is fetched next.
        """
        known = self.ledger.finished.get(tp, self._committed_offset[tp])
        if known is not None:
            return known
        begins = self.ledger.begins_at(tp)
        return self._thread.fetches_at(tp) if begins is None else begins

    def jumped(self, jump: Jump) -> None:
        """Note that fetching of a partition went on behind offsets that are gone."""
        tp, start, to = ensure_TP(jump[0]), jump[1], jump[2]
        if tp in self.assignment() and not self._is_changelog_tp(tp):  # of a changelog recovery takes care
            self.ledger.jump(tp, start, to, self.app.consumer_generation_id)

    def owned(self) -> tuple[PartitionProgress, ...]:
        """Return how far each input partition is that is ours."""
        engine = self.app.engine
        return tuple(
            PartitionProgress(
                role=engine.role_of(tp.topic),
                topic=tp.topic,
                partition=tp.partition,
                next_offset=self.finished(tp),
                end=engine.survey.end(tp, self.fetch_end(tp)),
                held=engine.is_held(tp),
                uncommitted=self.ledger.uncommitted(tp),
            )
            for tp in self.inputs()
        )

    def inputs(self) -> list[TP]:
        """Return the input partitions that are ours."""
        return sorted(tp for tp in self.assignment() if not self._is_changelog_tp(tp))

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and hand on until stopped: Faust's fetcher service runs this."""
        try:
            while not self.should_stop and not fetcher.should_stop:
                await self._fetch_and_hand_on()
        except asyncio.CancelledError:
            if not self.app.should_stop:  # else Faust would take the end for a crash
                raise
        except Exception as exc:
            self.app.engine.fail(exc, "fetch")  # now: Faust would say so in its own words, and later
            raise

    async def _fetch_and_hand_on(self) -> None:
        if not self.flow_active:
            await self.wait(cast("Any", self.can_resume_flow))
            return
        fetched: Any = await self._thread.getmany(self._active_partitions, FETCH_TIMEOUT_S)
        generation, runs = fetched
        await asyncio.sleep(0)
        handing: list[Any] = []
        rank_of = self.app.engine.lines.rank_of
        for tp, run in sorted(runs.items(), key=lambda each: rank_of(each[0].topic)):  # a send before what became of it
            if not self._is_current(generation):
                break  # of an assignment that goes or has gone: the next one starts at what is committed
            delivery = self._delivery(ensure_TP(tp), run, generation)
            if self._is_changelog_tp(delivery.tp):
                self.app.engine.recovery.take(delivery)
                await asyncio.sleep(0)  # a fetch brings a run of each partition: the web, and health, in between
            elif self._enter(delivery):
                handing.append(self.callback(_message(delivery)))
            if len(handing) == AT_ONCE:
                await self._hand_on(handing)
                handing = []
        if handing:
            await self._hand_on(handing)

    def _is_current(self, generation: int) -> bool:
        return self.flow_active and generation == self.app.consumer_generation_id

    async def _hand_on(self, handing: list[Any]) -> None:
        """Give runs to the agents side by side, unless the flow is suspended meanwhile."""
        await self.wait_first(asyncio.gather(*handing), self.suspend_flow.wait())

    def _enter(self, delivery: Delivery) -> bool:
        """Write a delivery into the ledger; return whether there is anything to work on.

        Control records, or an aborted transaction, are only stepped over.
        """
        self.ledger.enter(delivery)
        delivery.done = not delivery.chunk.keys
        return not delivery.done

    def _delivery(self, tp: TP, run: Run, generation: int) -> Delivery:
        return Delivery(
            tp, self._chunk(tp, run), run.start, run.next_offset, generation, run.began, run.timestamp, run.seconds
        )

    def _chunk(self, tp: TP, run: Run) -> Chunk:
        offsets = run.offsets
        gapless = bool(offsets) and offsets[-1] - offsets[0] + 1 == len(offsets)
        return Chunk(
            topic=self.app.engine.role_of(tp.topic),
            partition=tp.partition,
            keys=run.keys,
            values=run.values,
            offsets=range(offsets[0], offsets[-1] + 1) if gapless else offsets,
            partitions=self.app.engine.config.partitions,
        )

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
        return (tp for tp in self.ledger.partitions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self.ledger.advance(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:  # noqa: ARG002 # Faust's signature
        """Return True: the ledger offers what is new, and Faust's own idea is of what it tried to commit."""
        return True

    async def _commit(self, offsets: Any) -> bool:
        committed = await super()._commit(offsets)
        if committed:
            self.ledger.committed(offsets)
            self.committed_at = time.time()
        return bool(committed)

    async def wait_empty(self) -> None:
        """Let the lanes come to rest and commit what they finished; Faust calls it before it hands partitions over."""
        await self.app.engine.rest()
        if self.app.engine.membership.lost:
            cast("ChunkProducer", self.app.producer).disown()
        else:
            await self.commit()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop recovering, rest, commit, and only then let go of state."""
        await self.app.engine.recovery.abandon()
        await super().on_partitions_revoked(revoked)
        await self.app.engine.rest()  # told to stop meanwhile, Faust does not wait; no store may close under a lane
        self.app.engine.let_go()
        self.ledger.forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take partitions, and have it looked up whether their topics are still what they were at the start."""
        self.app.engine.survey.look_soon()
        await super().on_partitions_assigned(assigned, generation_id)

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: Faust's detector mixes two clocks; `progress` says what moves and what does not."""

    async def create_topic(self, topic: str, *args: Any, **kwargs: Any) -> None:
        """Do nothing: topics are created up front, and preflight has seen them."""


def _message(delivery: Delivery) -> ConsumerMessage:
    """Return a delivery as Faust wants it: one message, at the offset of its last record."""
    value: Any = delivery
    tp, offset, seconds = delivery.tp, delivery.chunk.offsets[-1], delivery.timestamp / 1000.0
    words = tp.topic, tp.partition, offset, seconds, 0, None, None, value, None, 0, 0, tp
    return ConsumerMessage(*words, generation_id=delivery.generation)

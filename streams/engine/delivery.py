"""What came and how far it is done: a fetched chunk on its way, and the ledger that says what may be committed.

Faust's own bookkeeping is not used: it commits over a message that failed (#606), acknowledges what raised, and
acknowledges what its stream skipped in a rebalance. Here only a lane sets `Delivery.done`, as its last step.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from faust.types import TP

from streams.pipeline import Chunk

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Delivery:
    """One chunk, where it came from, and where its partition goes on after it.

    Args:
        start: the position it was fetched from; the one before it ended there.
        next_offset: what to commit once it is done; beyond the last record where control records or gaps follow.
        generation: of the consumer group when it was fetched; a delivery of an older one is never worked on.
        began, timestamp: of its first and of its last record, ms since the epoch; 0 where it holds none.
        seconds: that taking it out of what was fetched took.
    """

    tp: TP
    chunk: Chunk
    start: int
    next_offset: int
    generation: int
    began: int
    timestamp: int
    seconds: float
    done: bool = False

    def __str__(self) -> str:
        """Return topic, partition and offsets, for logs."""
        return f"{self.tp.topic}/{self.tp.partition} offsets {self.start}..{self.next_offset - 1}"


class Ledger:
    """Deliveries of each partition in the order they came; never offset N+1 before N.

    *finished* is what follows what is done, by partition; *lost* counts, by topic, offsets that were gone before they
    could be fetched, for as long as the worker lives.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._open: dict[TP, deque[Delivery]] = defaultdict(deque)
        self._entered: dict[TP, int] = {}
        self._committed: dict[TP, int] = {}
        self.finished: dict[TP, int] = {}
        self.lost: Counter[str] = Counter()

    def enter(self, delivery: Delivery) -> None:
        """Write down a delivery when it is handed on; say so when it does not follow the one before."""
        tp = delivery.tp
        expected = self._entered.get(tp, delivery.start)
        if delivery.start != expected:
            log.error("%s/%d: offsets %d..%d were not fetched", tp.topic, tp.partition, expected, delivery.start - 1)
        self._entered[tp] = delivery.next_offset
        self._open[tp].append(delivery)

    def jump(self, tp: TP, start: int, to: int, generation: int) -> None:
        """Write down that offsets are gone, and fetching went on behind them: nothing is left to wait for there.

        They are deleted, by retention or by somebody: to go on is right, to be silent about it is not. Heard twice, of
        the same place, it is written down once.
        """
        if self._entered.get(tp) == to:
            return
        if start < to:
            self.lost[tp.topic] += to - start
            log.error("%s/%d: offsets %d..%d were deleted before they were read", tp.topic, tp.partition, start, to - 1)
        else:
            log.error("%s/%d: offset %d is beyond the end: read anew from %d", tp.topic, tp.partition, start, to)
        self.enter(Delivery(tp, _nothing_of(tp), start, to, generation, 0, 0, 0.0, done=True))

    def partitions(self) -> list[TP]:
        """Return the partitions of which deliveries were entered."""
        return list(self._open)

    def advance(self, tp: TP) -> int | None:
        """Strike off what is done from the head; return the offset to commit, None when there is nothing new."""
        waiting = self._open[tp]
        while waiting and waiting[0].done:
            self.finished[tp] = waiting.popleft().next_offset
        offset = self.finished.get(tp)
        return None if offset == self._committed.get(tp) else offset

    def committed(self, offsets: Mapping[TP, int]) -> None:
        """Hear what the brokers have taken; what they did not take is offered to them again."""
        self._committed.update(offsets)

    def uncommitted(self, tp: TP) -> int | None:
        """Return up to where a partition is committed while more of it is finished, -1 for nowhere; None otherwise."""
        finished, committed = self.finished.get(tp), self._committed.get(tp)
        return None if finished == committed else -1 if committed is None else committed

    def begins_at(self, tp: TP) -> int | None:
        """Return where the first delivery that is not finished begins; None where all are."""
        waiting = self._open.get(tp)
        return next((delivery.start for delivery in waiting if not delivery.done), None) if waiting else None

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop partitions that are ours no longer."""
        for tp in tps:
            for known in (self._open, self._entered, self._committed, self.finished):
                known.pop(tp, None)


def _nothing_of(tp: TP) -> Chunk:
    return Chunk(topic=tp.topic, partition=tp.partition, keys=[], values=[], offsets=())

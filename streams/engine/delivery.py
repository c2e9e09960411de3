"""What came and how far it is done: a fetched chunk on its way, and the ledger that says what may be committed.

Faust's own bookkeeping is not used: it commits over a message that failed (#606), acknowledges what raised, and
acknowledges what its stream skipped in a rebalance. Here only a lane sets `Delivery.done`, as its last step.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Iterable
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


def next_of(waiting: Iterable[deque[Delivery]]) -> Delivery | None:
    """Return the delivery to work on next; None where none waits.

    Inputs are named in the order in which they lean on each other: what became of a send leans on the send. So a
    delivery goes before one of an earlier input only if it ends before that one begins; in a backlog too, a send is
    there when what became of it comes, and little has to be parked.
    """
    chosen = None
    for deliveries in waiting:
        head = deliveries[0] if deliveries else None
        if head is not None and (chosen is None or head.timestamp < chosen.began):
            chosen = head
    return chosen


class Ledger:
    """Deliveries of each partition in the order they came; never offset N+1 before N."""

    def __init__(self) -> None:
        """Start empty."""
        self._open: dict[TP, deque[Delivery]] = defaultdict(deque)
        self._entered: dict[TP, int] = {}
        self.finished: dict[TP, int] = {}

    def enter(self, delivery: Delivery) -> None:
        """Write down a delivery when it is handed on; say so when it does not follow the one before."""
        tp = delivery.tp
        expected = self._entered.get(tp, delivery.start)
        if delivery.start != expected:
            log.error("%s/%d: offsets %d..%d were not fetched", tp.topic, tp.partition, expected, delivery.start - 1)
        self._entered[tp] = delivery.next_offset
        self._open[tp].append(delivery)

    def partitions(self) -> list[TP]:
        """Return the partitions that have open deliveries."""
        return list(self._open)

    def advance(self, tp: TP) -> int | None:
        """Strike off what is done from the head; return the offset to commit, None when nothing moved."""
        waiting, offset = self._open[tp], None
        while waiting and waiting[0].done:
            offset = waiting.popleft().next_offset
        if offset is not None:
            self.finished[tp] = offset
        return offset

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop partitions that are ours no longer."""
        for tp in tps:
            self._open.pop(tp, None)
            self._entered.pop(tp, None)
            self.finished.pop(tp, None)

"""What came and how far it is done: a fetched chunk on its way, and the ledger that says what may be committed.

Faust's own bookkeeping is not used: it commits over a message that failed (#606), acknowledges what raised, and
acknowledges what its stream skipped in a rebalance. Here only a lane sets `Delivery.done`, as its last step.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from faust.types import TP

from streams.pipeline import Chunk


@dataclass(slots=True, eq=False)
class Delivery:
    """One chunk, where it came from, and where its partition goes on after it.

    Args:
        next_offset: what to commit once it is done; beyond the last record where control records or gaps follow.
        generation: of the consumer group when it was fetched; a delivery of an older one is never worked on.
        timestamp: of its last record, ms since the epoch.
    """

    tp: TP
    chunk: Chunk
    next_offset: int
    generation: int
    timestamp: int
    done: bool = False

    @property
    def first_offset(self) -> int:
        """Return the offset of the first record; of a chunk without records, where it ends."""
        return self.chunk.offsets[0] if len(self.chunk) else self.next_offset

    def __str__(self) -> str:
        """Return topic, partition and offsets, for logs."""
        return f"{self.tp.topic}/{self.tp.partition} offsets {self.first_offset}..{self.next_offset - 1}"


class Ledger:
    """Deliveries of each partition in the order they came; never offset N+1 before N."""

    def __init__(self) -> None:
        """Start empty."""
        self._open: dict[TP, deque[Delivery]] = defaultdict(deque)
        self.finished: dict[TP, int] = {}

    def enter(self, delivery: Delivery) -> None:
        """Write down a delivery when it is handed on."""
        self._open[delivery.tp].append(delivery)

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
            self.finished.pop(tp, None)

"""What waits in a lane, and which of it is its next chunk. Plain queues: nothing here awaits, or knows what work is.

Chunks grow with the load: what came of one input while its lane was busy is worked on as one, so an idle worker answers
a record in milliseconds, and a busy one pays what a chunk costs, whatever is in it, for thousands of records at a time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from faust.types import TP

from streams.engine.delivery import Delivery


class Inbox:
    """A queue of deliveries for each input of a lane, in the order of its hop's inputs.

    *most* is how many records a chunk has at most; *records* says how many wait, by partition.
    """

    def __init__(self, inputs: Iterable[TP], most: int) -> None:
        """Begin empty."""
        self.queues: dict[TP, deque[Delivery]] = {tp: deque() for tp in inputs}
        self.records: Counter[TP] = Counter()
        self._most = most

    def put(self, delivery: Delivery) -> None:
        """Queue a delivery."""
        self.queues[delivery.tp].append(delivery)
        self.records[delivery.tp] += len(delivery.chunk)

    def heads(self) -> list[Delivery]:
        """Return what comes first of each input of which anything waits."""
        return [queue[0] for queue in self.queues.values() if queue]

    def next(self, held: Iterable[TP] = ()) -> list[Delivery]:
        """Return what to work on next, as one chunk, of all inputs but *held*; it stays until it is done."""
        return next_of([queue for tp, queue in self.queues.items() if tp not in held], self._most)

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Mark what `next` returned as done, and let go of it."""
        for delivery in deliveries:
            delivery.done = True
            self.queues[delivery.tp].popleft()
            self.records[delivery.tp] -= len(delivery.chunk)


def next_of(waiting: Iterable[deque[Delivery]], most: int) -> list[Delivery]:
    """Return the deliveries to work on next, as one: at most *most* records, but one delivery at least where any waits.

    Inputs are named in the order in which they lean on each other: what became of a send leans on the send. So a
    delivery goes before one of an earlier input only if it ends before that one begins; in a backlog too, a send is
    there when what became of it comes, and little has to be parked. Those behind it in its queue go with it as far as
    the same holds of them: what came while its lane was busy is one chunk, so chunks grow with the load.
    """
    queues = [queue for queue in waiting if queue]
    if not queues:
        return []
    chosen = 0
    for number, queue in enumerate(queues):
        if queue[0].timestamp < queues[chosen][0].began:
            chosen = number
    begins = min((queue[0].began for queue in queues[:chosen]), default=inf)
    taken: list[Delivery] = []
    for delivery in queues[chosen]:
        most -= len(delivery.chunk)
        if taken and (most < 0 or delivery.timestamp >= begins):
            break
        taken.append(delivery)
    return taken


def joined(deliveries: Sequence[Delivery]) -> Delivery:
    """Return deliveries that follow each other in a partition as one; each is to be marked as done by itself."""
    first, last = deliveries[0], deliveries[-1]
    if first is last:
        return first
    chunks = [delivery.chunk for delivery in deliveries]
    chunk = replace(
        first.chunk,
        keys=[key for chunk in chunks for key in chunk.keys],
        values=[value for chunk in chunks for value in chunk.values],
        offsets=[offset for chunk in chunks for offset in chunk.offsets],
    )
    seconds = sum(delivery.seconds for delivery in deliveries)
    return replace(first, chunk=chunk, next_offset=last.next_offset, timestamp=last.timestamp, seconds=seconds)

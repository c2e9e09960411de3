"""One changelog partition and the store that follows it: where to begin, what to take, and whether it is all there.

Decisions only, in the order in which doubts come up: whether the changelog is the one that the store was built from,
whether it still has what the store lacks, and where it ends. Reading it, and what to do meanwhile, is `recovery`'s and
`standby`'s.
"""

from __future__ import annotations

import logging
import time

from faust.types import TP

from streams.engine.delivery import Delivery
from streams.engine.store import Store

log = logging.getLogger(__name__)

RECOGNISE_S = 5.0
"""How long to wait for the last record we knew; compaction may have taken it, and then nothing comes."""


class Place:
    """Where a store is in its changelog.

    *reached* is the offset to read next; *listed* the end as the broker lists it. *is_foreign* says that the changelog
    is not the one that the store came from, *is_astray* that what was read does not follow what is there.
    """

    def __init__(self, tp: TP, store: Store, trusted_for: int) -> None:
        """Take a store that was opened; *trusted_for* is how old (ms) a copy may be that is behind."""
        self.tp = tp
        self.store = store
        self.reached = store.position
        self.listed = 0
        self.is_foreign = False
        self.is_astray = False
        self._trusted_for = trusted_for
        self._doubted_until: float | None = None

    def begin(self, begin: int, listed: int, now: int) -> int:
        """Return the offset to read from: the last record that the store knows, or the beginning; wipe what is stale.

        Args:
            begin: the first offset that the changelog has.
            listed: its end, as the broker lists it.
            now: ms since the epoch.
        """
        self.listed = listed
        why = self._outdated(begin, now)
        if why is not None:
            log.error("%s/%d %s: rebuilding it", *self.tp, why)
            self.store.wipe()
        if self.store.position == 0:
            self.store.start_at(begin)
        elif self.store.last >= begin:
            self.reached = self.store.last
            self._doubted_until = time.monotonic() + RECOGNISE_S
            return self.reached
        self.reached, self._doubted_until = self.store.position, None
        return self.reached

    def start_over(self, begin: int) -> int:
        """Wipe the store, and return the offset to read from."""
        log.error("%s/%d is not the changelog that local state came from: rebuilding it", *self.tp)
        self.store.wipe()
        self.store.start_at(begin)
        self.reached, self._doubted_until = begin, None
        self.is_foreign = self.is_astray = False
        return begin

    def take(self, delivery: Delivery, now: int) -> bool:
        """Apply a fetched run; return whether it was one to apply."""
        chunk = delivery.chunk
        if self.is_foreign or delivery.start > self.reached:
            self.is_astray = True  # fetched before the last seek, or what we need is gone
            return False
        if delivery.start < self.reached or not self._recognises(delivery):
            self.is_foreign = True
            return False
        last = chunk.offsets[-1] if len(chunk) else None
        self.store.apply(chunk.keys, chunk.values, delivery.next_offset, now, last)
        self.reached = delivery.next_offset
        return True

    def end(self, fetched: int | None) -> int:
        """Return the end as far as it is known: of what the broker lists and what its fetches say, the later one."""
        return max(self.listed, fetched or 0)

    def left(self, fetched: int | None) -> int:
        """Return how many offsets are still to be read, as far as the end is known."""
        return max(self.end(fetched) - self.reached, 0)

    def is_beyond(self, fetched: int) -> bool:
        """Return whether the store knows more than its changelog."""
        return self.store.position > self.end(fetched)

    def is_there(self, fetched: int) -> bool:
        """Return whether the store is up to date: it has reached the end of a changelog that it has recognised."""
        doubted = self._doubted_until is not None and time.monotonic() < self._doubted_until
        return self.store.position == self.end(fetched) and not doubted

    def _outdated(self, begin: int, now: int) -> str | None:
        """Return why the changelog can no longer bring the store up to date; None where it can."""
        store = self.store
        if 0 < store.position < begin:
            return "no longer has what follows local state"
        if 0 < store.position < self.listed and now - store.kept_at > self._trusted_for:
            return "has moved on for too long, and may have forgotten deletions since"
        return None

    def _recognises(self, delivery: Delivery) -> bool:
        """Return whether a run may begin here: the first one begins with the last record that we applied.

        Compaction may have taken that record; then there is nothing to recognise, and nothing against it.
        """
        chunk = delivery.chunk
        doubted, self._doubted_until = self._doubted_until is not None, None
        if not doubted or not len(chunk) or chunk.offsets[0] != delivery.start:
            return True
        return self.store.knows(chunk.keys[0], chunk.values[0])

"""Ends a worker that stands still while there is work: what Faust's users report most, and what never crashes.

Two dogs. One runs in the loop and looks at what moves: partitions with lag, recovery, batches on their way to the
brokers. The other is a thread and looks whether the loop itself goes round. Both count only time in which this
process ran: one that was stopped (SIGSTOP, a sleeping machine) and goes on must not be taken for one that hangs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from streams.engine.progress import State
from streams.engine.stacks import stacks
from streams.errors import WorldFailed

if TYPE_CHECKING:
    from streams.engine.app import ChunkApp

log = logging.getLogger(__name__)

STEP_S = 1.0
"""Most that may pass between two looks, in seconds of awake time: what is more, this process did not run."""


class Awake:
    """A clock that stands while this process does not run."""

    def __init__(self) -> None:
        """Start at 0."""
        self.seconds = 0.0
        self._looked_at = time.monotonic()

    def tick(self) -> float:
        """Let it go on; call it several times a second. Return its time, in seconds."""
        now = time.monotonic()
        self.seconds += min(now - self._looked_at, STEP_S)
        self._looked_at = now
        return self.seconds


class Watchdog:
    """Looks at one engine; *stall* seconds make a standstill, and after twice as long the worker ends."""

    def __init__(self, engine: ChunkApp, stall: float) -> None:
        """Begin without a memory: what waits now begins to wait now."""
        self._engine, self._stall = engine, stall
        self._still: dict[str, tuple[object, float]] = {}
        self._looked_at = 0.0

    def look(self, now: float) -> None:
        """Look what has moved by *now* (awake seconds), once a second; stop the worker where something never does."""
        if now - self._looked_at < min(STEP_S, self._stall / 4):
            return
        self._looked_at = now
        before, self._still = self._still, {}
        for place, at in self._waiting():
            seen = before.get(place)
            self._still[place] = seen if seen is not None and seen[0] == at else (at, now)
        for place, (_, since) in self._still.items():
            if now - since >= 2 * self._stall:
                self._bark(place, now - since)
                return

    def _waiting(self) -> Iterator[tuple[str, object]]:
        """Yield every place where work waits for us, with something that changes when it moves."""
        progress = self._engine.progress()
        if progress.state in {State.STARTING, State.RECOVERING}:
            yield f"{progress.state}", (progress.recovery_remaining, progress.moved_at)
            return
        for each in progress.partitions:
            if each.lag > 0 and not each.held:
                yield f"{each.topic}/{each.partition} offset {each.next_offset}", each.next_offset
            if each.uncommitted is not None:  # work goes on, and none of it would count after a restart
                yield f"commits of {each.topic}/{each.partition}, {each.uncommitted}", each.uncommitted

    def _bark(self, place: str, seconds: float) -> None:
        log.error("where everything stands:\n%s", stacks(asyncio.all_tasks()))
        words = f"{place}: work waits, and nothing has moved for {seconds:.0f} s. Nothing is lost: start again"
        self._engine.fail(WorldFailed(words), "watchdog")


class LoopWatch(threading.Thread):
    """Ends the process when the event loop does not go round for *limit* seconds: nobody in it could."""

    def __init__(self, beat: Awake, limit: float, code: int = 1) -> None:
        """Watch the clock that the loop winds; *code* is the process's exit code then."""
        super().__init__(name="loop watch", daemon=True)
        self._code = code
        self._beat, self._limit, self._over = beat, limit, threading.Event()

    def run(self) -> None:
        """Look until told that it is over."""
        mine, seen, since = Awake(), self._beat.seconds, 0.0
        while not self._over.wait(min(STEP_S, self._limit) / 2):
            now = mine.tick()
            if self._beat.seconds != seen:
                seen, since = self._beat.seconds, now
            elif now - since >= self._limit:
                log.critical("stopping: the event loop has not gone round for %.0f s\n%s", now - since, stacks(()))
                logging.shutdown()
                os._exit(self._code)

    def end(self) -> None:
        """Look no more."""
        self._over.set()

"""Publishes mails: all at once, or so many events a second until it is told to stop.

It runs in a thread of the benchmark's own process; what it costs is not in the worker's figures, and takes about a
twentieth of a core at five thousand events a second.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from benchmarks.filling import PATIENCE_S, SLICE, producer, put
from benchmarks.growth_traffic import Traffic
from benchmarks.join.workload import EVENTS_A_SEND

EVENTS_A_MAIL = 1 + EVENTS_A_SEND
_TICK_S = 0.1
_LINGER_MS = 20


class Feed:
    """Knows how many mails have been published; *topics* are the topics' names by role."""

    def __init__(self, brokers: str, topics: dict[str, str], parts: int, traffic: Traffic) -> None:
        """Begin with nothing."""
        self._topics, self._parts, self._traffic = topics, parts, traffic
        self._producer = producer(brokers, _LINGER_MS)
        self.mails = self.events = 0

    def publish(self, mails: int) -> int:
        """Publish so many mails, wait until the brokers have them, and return how many events they make."""
        before = self.events
        for begin in range(0, mails, SLICE):
            self._put(min(SLICE, mails - begin))
        self.flush()
        return self.events - before

    def at_rate(self, events_a_second: float) -> Steady:
        """Return what publishes so many events a second while its block lasts."""
        return Steady(self, events_a_second / EVENTS_A_MAIL)

    def flush(self) -> None:
        """Wait until the brokers have everything."""
        if self._producer.flush(PATIENCE_S):
            raise TimeoutError("the brokers did not take the events")

    def _put(self, mails: int) -> None:
        rows: dict[str, list[tuple[bytes, bytes]]] = {"sends": [], "feedback": []}
        for role, key, value in self._traffic.mails(self.mails, mails):
            rows[role].append((key, value))
        for role, some in rows.items():
            put(self._producer, self._topics[role], some, self._parts)
            self.events += len(some)
        self.mails += mails


class Steady:
    """A thread that publishes while its block lasts; what ended it early is raised at the end."""

    def __init__(self, feed: Feed, mails_a_second: float) -> None:
        """Note it; nothing runs yet."""
        self._feed, self._rate = feed, mails_a_second
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop, and wait until the brokers have everything."""
        self._over.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        self._feed.flush()

    def _run(self) -> None:
        began, done = time.monotonic(), 0
        try:
            while not self._over.wait(_TICK_S):
                due = int((time.monotonic() - began) * self._rate) - done
                self._feed._put(due)  # noqa: SLF001 - its other half
                done += due
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is raised where the block ends
            self._failure = exc

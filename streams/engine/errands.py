"""The errands of one lane: what is under way in the world, and what came of it.

An errand begins only after its intent is durable; `Lane` sees to that. Here each one is a task of its own, so that a
slow answer holds up nobody. Nothing here knows a hop, a store or a topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from streams.errors import WorldFailed
from streams.pipeline import Errand


class Errands:
    """Runs errands side by side and keeps what they came to, in the order of their ends."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        """Start without any; *on_end* is called whenever one is over."""
        self._on_end = on_end
        self._running: set[asyncio.Task[Any]] = set()
        self._results: list[tuple[bytes, Any]] = []
        self._failure: BaseException | None = None
        self._cancelled = False

    def __bool__(self) -> bool:
        """Return whether any is under way, or came to something that was not taken yet."""
        return bool(self._running or self._results or self._failure)

    @property
    def running(self) -> int:
        """Return how many are under way."""
        return len(self._running)

    def start(self, errands: Iterable[Errand]) -> None:
        """Begin *errands*, whose intents are durable."""
        for errand in errands:
            task: asyncio.Task[Any] = asyncio.create_task(errand.run())
            self._running.add(task)
            task.add_done_callback(partial(self._ended, errand))

    def take(self) -> list[tuple[bytes, Any]]:
        """Return (key, result) of those that ended since the last time; raise what one of them raised."""
        if self._failure is not None:
            raise self._failure
        results, self._results = self._results, []
        return results

    def cancel(self) -> None:
        """Cut short what is under way; nobody hears what it came to."""
        self._cancelled = True
        for task in self._running:
            task.cancel()

    def _ended(self, errand: Errand, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        try:
            errand.over()
        except Exception as exc:  # noqa: BLE001 - the loop would only log it, and a slot in flight be lost for good
            self._failure = self._failure or exc
        self._keep(errand.key, task)
        self._on_end()

    def _keep(self, key: bytes, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            if not self._cancelled:  # not by us: then it has come to nothing, and nobody would ever hear of it
                self._failure = self._failure or WorldFailed("an errand was cancelled from within")
            return
        error = task.exception()
        if error is None:
            self._results.append((key, task.result()))
        else:
            self._failure = self._failure or error


def give_up(errands: Iterable[Errand]) -> None:
    """Tell errands that they are over before they began: their intent did not become durable."""
    for errand in errands:
        errand.over()

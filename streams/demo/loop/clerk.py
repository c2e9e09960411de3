"""Hands requests in: new tales at the pace that it is told, and the next step of each tale once its cue was seen.

What is seen on a topic by one reader may not have reached dispatch yet; so after each cue the clerk waits a moment.
No clock: times come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from streams.demo.loop.ledger import LoopLedger
from streams.demo.loop.requests import Step
from streams.demo.loop.tales import Cue, Odd
from streams.demo.stories import DAY, SECOND

GRACE_MS = 1_500
"""From the moment when a cue was seen until the next step: two readers of a topic are seldom further apart."""
SOON_MS = 3 * SECOND
AGAIN_MS = 2 * SECOND
"""A request that is published twice is published again after this, or at once, by turns."""

Seen = Callable[[Cue, str], bool]
"""Tells whether a cue was seen of a person."""


class Put(Protocol):
    """Whatever publishes a record: topic's role, key, and the record without its schema's name."""

    def __call__(self, role: str, key: str, record: dict[str, Any]) -> None:
        """Take it; durable after a later flush."""


@dataclass(slots=True)
class Thread:
    """A tale that has begun: what is left of it, and when its next cue was seen."""

    steps: list[Step]
    seen_at: int | None = None


class Clerk:
    """Keeps the threads of all tales that have begun."""

    def __init__(self, tales: Iterator[list[Step]], *, ledger: LoopLedger, seen: Seen, put: Put) -> None:
        """Begin before the first tale."""
        self._tales = tales
        self._ledger = ledger
        self._seen, self._put = seen, put
        self._threads: list[Thread] = []
        self._again: list[tuple[int, Step, dict[str, Any]]] = []
        self.all_begun = False
        """Whether every tale has begun."""

    @property
    def finished(self) -> bool:
        """Tell whether everything has been handed in."""
        return self.all_begun and not self._threads and not self._again

    def begin(self, count: int, now: int) -> None:
        """Begin new tales until about *count* requests more are handed in. *now* is ms since the epoch."""
        until = self._ledger.handed_in + count
        while not self.all_begun and self._ledger.handed_in < until:
            steps = next(self._tales, None)
            if steps is None:
                self.all_begun = True
            else:
                thread = Thread(steps)
                self._go_on(thread, now)
                self._threads += [thread] if thread.steps else []

    def follow_up(self, now: int) -> None:
        """Hand in what has had its cue, and what is to be published again."""
        for thread in self._threads:
            self._go_on(thread, now)
        self._threads = [thread for thread in self._threads if thread.steps]
        due = [one for one in self._again if one[0] <= now]
        self._again = [one for one in self._again if one[0] > now]
        for _, step, record in due:
            self._put(step.role, step.key, record)

    def _go_on(self, thread: Thread, now: int) -> None:
        """Take a tale's next steps, as far as their cues allow."""
        while thread.steps:
            cue = thread.steps[0].cue
            if cue is not None:
                if thread.seen_at is None and self._seen(*cue):
                    thread.seen_at = now
                if thread.seen_at is None or now - thread.seen_at < GRACE_MS:
                    return
            self._hand_in(thread.steps.pop(0), now)
            thread.seen_at = None

    def _hand_in(self, step: Step, now: int) -> None:
        record = step.record | _times(step, now)
        self._put(step.role, step.key, record)
        if not step.lines:
            return
        for key in step.lines:
            line = self._ledger.lines[key]
            line.asked_at, line.not_before = now, record["not_before"]
        if step.odd is Odd.TWICE:
            later = AGAIN_MS if self._ledger.repeats % 2 else 0
            self._again.append((now + later, step, record))
            self._ledger.repeats += 1
        self._ledger.handed_in += 1


def _times(step: Step, now: int) -> dict[str, Any]:
    """Return the times of a record that is handed in now."""
    if step.role == "instructions":
        return {"at": now}
    not_before = {Odd.SOON: now + SOON_MS, Odd.TOMORROW: now + DAY}.get(step.odd)
    return {"requested_at": now, "not_before": not_before, "expires_at": now - SECOND if step.odd is Odd.PAST else None}

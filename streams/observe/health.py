"""Whether this worker is alive and whether it is ready, judged by what moves and not by what is reachable.

A consumer that silently stops is the failure that Faust users report most, and nothing crashes when it happens. So:
records wait and the position of their partition has not moved for engine.stall_seconds: not ready, and says so; for
twice as long: not alive, so that whoever runs us starts us anew. The engine's own watchdog ends the worker then, too,
for where nobody asks. The memory of what moved is kept here: whoever asks more often must not make it shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from streams.observe.progress import Ask, Phase, Progress

UNREADY_AFTER = 120_000
DEAD_AFTER = 2 * UNREADY_AFTER


class State(StrEnum):
    """What a worker is at: the engine's phases, and stuck."""

    STARTING = "starting"
    RECOVERING = "recovering"
    RUNNING = "running"
    STUCK = "stuck"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judgement; *reasons* say why it is not both ready and live, in words for people, and name no record."""

    state: State
    live: bool
    ready: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Standstill:
    """A place where work waits, how far it is, and since when (ms) it has not moved."""

    at: int
    since: int


class Health:
    """Judges an engine by snapshots of its progress, taken whenever somebody asks.

    Args:
        ask: takes a snapshot.
        clock: ms since the epoch.
        unready_after: ms without progress, while records wait, after which the worker is not ready.
        dead_after: ms of the same after which it is not alive.

    """

    def __init__(
        self, ask: Ask, clock: Callable[[], int], unready_after: int = UNREADY_AFTER, dead_after: int = DEAD_AFTER
    ) -> None:
        """Begin without a memory: what waits now begins to wait now."""
        self._ask = ask
        self._clock = clock
        self._unready_after = unready_after
        self._dead_after = dead_after
        self._still: dict[str, _Standstill] = {}

    def check(self) -> Verdict:
        """Judge now."""
        progress, now = self._ask(), self._clock()
        self._still = {
            place: before
            if (before := self._still.get(place)) is not None and before.at == at
            else _Standstill(at, now)
            for place, at in _waiting(progress)
        }
        waits = {place: now - still.since for place, still in self._still.items()}
        return self._judge(progress, waits)

    def _judge(self, progress: Progress, waits: Mapping[str, int]) -> Verdict:
        """Return the verdict; *waits* is how long (ms) each place with work has not moved."""
        stuck = {place: wait for place, wait in waits.items() if wait >= self._unready_after}
        if stuck and progress.phase is not Phase.STOPPING:
            reasons = tuple(f"{place}: no progress for {wait // 1000} s" for place, wait in stuck.items())
            live = max(stuck.values()) < self._dead_after
            return Verdict(state=State.STUCK, live=live, ready=False, reasons=reasons)
        if progress.phase is Phase.RUNNING:
            return Verdict(state=State.RUNNING, live=True, ready=True)
        return Verdict(state=State(progress.phase), live=True, ready=False, reasons=(_words(progress),))


def _waiting(progress: Progress) -> Iterator[tuple[str, int]]:
    """Yield every place where work waits for us, with how far it is there: what is held on purpose may stand still."""
    if progress.phase is Phase.RECOVERING:
        if progress.recovery_remaining > 0:
            yield "recovery", progress.recovery_remaining
        return
    for (topic, partition), position in sorted(progress.positions.items()):
        if position.lag > 0 and not position.held:
            yield f"{topic}[{partition}]", position.committed


def _words(progress: Progress) -> str:
    """Say what the worker is busy with instead."""
    if progress.phase is Phase.RECOVERING:
        return f"recovering: {progress.recovery_remaining} changelog records to read"
    return f"{progress.phase}"

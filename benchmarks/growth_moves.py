"""A second worker joins the group while mail flows, and leaves: how long until everything is where it should be.

Times are from the start, or from the request to stop, until both (or the one) say that they are ready and the
partitions are shared; and from there until what has piled up meanwhile is worked off: no more waits than did before.
What waits is what is not acknowledged yet, so a second's worth always does.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.growth_watch import owned, until, waiting
from benchmarks.workers import memory_mb, recoveries, variables
from streams.demo.worker import Worker

PATIENCE_S = 3600.0
LOOKS = 5


def moves(first: Worker, brokers: str, partitions: int, home: Path, rate: float) -> dict[str, Any]:
    """Let a second worker join the *first* and leave it again, while *rate* events a second come."""
    second_home = home / "second"
    second_home.mkdir()
    second = Worker(variables(brokers, partitions), second_home)
    inputs, usual = owned(first.page()), _usual(first, rate)
    try:
        print("a second worker joins", file=sys.stderr)
        began = time.monotonic()
        second.start()
        ready = until(lambda: _shared([first, second], inputs), PATIENCE_S, "both are ready")
        caught_up = until(lambda: _no_more_than([first, second], usual), PATIENCE_S, "both have caught up")
        joined = {
            "ready_s": round(ready, 2),
            "caught_up_s": round(caught_up, 2),
            "recovery_s": recoveries(second)[-1],
            "memory_mb": [memory_mb(first), memory_mb(second)],
        }
        print(f"and leaves, {time.monotonic() - began:.0f} s later", file=sys.stderr)
        began = time.monotonic()
        second.stop()
        stopped = time.monotonic() - began
        ready = until(lambda: _shared([first], inputs), PATIENCE_S, "the first has it all")
        caught_up = until(lambda: _no_more_than([first], usual), PATIENCE_S, "the first has caught up")
    finally:
        second.stop()
    left = {
        "stopped_s": round(stopped, 2),
        "ready_s": round(stopped + ready, 2),
        "caught_up_s": round(caught_up, 2),
        "recovery_s": recoveries(first)[-1],
    }
    return {"joins": joined, "leaves": left}


def _shared(workers: list[Worker], inputs: int) -> bool:
    """Return whether all are ready and have the inputs between them, each some."""
    if not all(worker.ready() for worker in workers):
        return False
    shares = [owned(worker.page()) for worker in workers]
    return min(shares) > 0 and sum(shares) == inputs


def _usual(worker: Worker, rate: float) -> float:
    """Return how many records wait in ordinary running, at most; never less than two seconds' worth."""
    looks = []
    for _ in range(LOOKS):
        time.sleep(1)
        looks.append(waiting([worker.page()]))
    return max([2 * rate, *(look for look in looks if math.isfinite(look))])


def _no_more_than(workers: list[Worker], most: float) -> bool:
    return waiting([worker.page() for worker in workers]) <= most

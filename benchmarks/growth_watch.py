"""Looks at a worker while it works: memory second by second, and whether that has a slope.

The slope is that of a straight line by least squares, through means of a stretch of seconds each: one second's memory
is much like the next one's, and a standard error of single seconds would claim to know more than it does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workers import cpu_s, memory_mb, peak_mb
from streams.demo.gauges import Page
from streams.demo.worker import Worker

STRETCHES = 20
"""So many means the samples become."""
WARM_UP = 0.25
LEAST = 3
"""A line through two points has no error."""
LOOK_S = 0.1
QUIET_SHARE = 0.1
"""Of a core: less than that over two seconds, and a worker has nothing more to do."""


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast something rises, and the standard error of that."""

    a_minute: float
    error: float

    @property
    def is_flat(self) -> bool:
        """Return whether the rise is within two standard errors of none; a fall is flat too."""
        return self.a_minute <= 2 * self.error


def slope_of(samples: Sequence[tuple[float, float]]) -> Slope:
    """Return the slope of samples (second, size)."""
    size = max(1, len(samples) // STRETCHES)
    parts = [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]
    if len(parts) < LEAST:
        return Slope(0.0, math.inf)
    times = [sum(at for at, _ in part) / len(part) / 60 for part in parts]
    sizes = [sum(found for _, found in part) / len(part) for part in parts]
    middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((at - middle) ** 2 for at in times)
    rise = sum((at - middle) * found for at, found in zip(times, sizes, strict=True)) / spread
    rest = sum((found - mean - rise * (at - middle)) ** 2 for at, found in zip(times, sizes, strict=True))
    return Slope(rise, math.sqrt(rest / (len(times) - 2) / spread))


def watch(worker: Worker, seconds: float) -> dict[str, Any]:
    """Return the worker's memory over the time, MB, and how busy it was.

    A quarter of the time goes before it: until its buffers have been full once, a worker's memory grows to its size.
    """
    time.sleep(seconds * WARM_UP)
    began, cpu = time.monotonic(), cpu_s(worker)
    samples: list[tuple[float, float]] = []
    step = min(1.0, seconds / 60)
    while (at := time.monotonic() - began) < seconds:
        worker.check()
        samples.append((at, memory_mb(worker)))
        time.sleep(max(0.0, step * len(samples) - (time.monotonic() - began)))
    slope = slope_of(samples)
    sizes = [size for _, size in samples]
    return {
        "seconds": round(seconds, 1),
        "cpu_share": round((cpu_s(worker) - cpu) / (time.monotonic() - began), 3),
        "memory_mb": {
            "first": sizes[0],
            "middle": sorted(sizes)[len(sizes) // 2],
            "last": sizes[-1],
            "most": max(sizes),
            "peak": peak_mb(worker),
        },
        "slope_mb_a_minute": round(slope.a_minute, 3),
        "slope_error": round(slope.error, 3) if math.isfinite(slope.error) else None,
        "flat": slope.is_flat,
    }


def until(what: Callable[[], bool], patience: float, why: str) -> float:
    """Wait until it is so; return the seconds."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > patience:
            raise TimeoutError(f"{why}: not so after {patience:.0f} s")
        time.sleep(LOOK_S)
    return time.monotonic() - began


def until_quiet(worker: Worker, patience: float) -> tuple[float, float]:
    """Wait until the worker has nothing to do; return the seconds, and the processor time it has used meanwhile."""
    began, cpu = time.monotonic(), cpu_s(worker)
    while time.monotonic() - began < patience:
        before = cpu_s(worker)
        time.sleep(2)
        worker.check()
        if cpu_s(worker) - before < 2 * QUIET_SHARE:
            break
    return time.monotonic() - began, cpu_s(worker) - cpu


def waiting(pages: Sequence[Page | None]) -> float:
    """Return how many records wait, by all workers' pages; none where a worker does not answer is infinity."""
    return sum(math.inf if page is None else page.total("ses_consumer_lag") for page in pages)


def owned(page: Page | None) -> int:
    """Return how many partitions of topics a worker works on, by its page."""
    return 0 if page is None else len(page.metrics.get("ses_consumer_lag", {}))


def series_of(page: Page | None) -> int:
    """Return how many series a page of metrics has."""
    return 0 if page is None else sum(map(len, page.metrics.values()))


def disk_mb(path: Path) -> float:
    """Return what a directory's files take."""
    size = 0
    for file in path.rglob("*"):
        with suppress(FileNotFoundError):  # compaction removes files at any time
            size += file.stat().st_size if file.is_file() else 0
    return round(size / 1e6, 1)

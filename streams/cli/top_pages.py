"""Sums over workers' pages: totals, what grew between two looks and how fast, how times spread.

Counters are only of use as what they grew by: a worker that began anew must not look like a burst. What the numbers
mean is top_sight.py's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from streams.demo.gauges import Labels, Page

HALF, MOST = 0.5, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was counted since the workers began, and how fast it grows; None before there were two looks."""

    total: float
    per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds that half of what was seen took, and that nineteen of twenty took."""

    half_s: float
    most_s: float


class Counts:
    """Counters of all workers together, and how fast they grow."""

    def __init__(self, whole: Page, spans: Sequence[tuple[Page, float]]) -> None:
        """Take all pages as one, and for each worker what grew in how many seconds."""
        self._whole, self._spans = whole, spans

    def one(self, name: str, **labels: str) -> Count:
        """Return one counter, or the part of it that bears these labels."""
        return Count(total=self._whole.total(name, **labels), per_second=self._rate(lambda p: p.total(name, **labels)))

    def by(self, name: str, label: str) -> dict[str, Count]:
        """Return a counter by one label; words that were never counted are left out."""
        rates: defaultdict[str, float] = defaultdict(float)
        for grown, seconds in self._spans:
            for word, value in grown.by(name, label).items():
                rates[word] += value / seconds
        return {
            word: Count(total=total, per_second=rates[word] if self._spans else None)
            for word, total in self._whole.by(name, label).items()
            if total
        }

    def _rate(self, value: Callable[[Page], float]) -> float | None:
        return sum(value(grown) / seconds for grown, seconds in self._spans) if self._spans else None


def grown(before: Page, after: Page) -> Page:
    """Return by how much every number has grown; one that has fallen began anew at 0, as Prometheus has it."""
    return Page(
        {
            name: {
                labels: value - old if value >= (old := before.metrics.get(name, {}).get(labels, 0.0)) else value
                for labels, value in series.items()
            }
            for name, series in after.metrics.items()
        }
    )


def added(pages: Iterable[Page]) -> Page:
    """Return all pages as one."""
    sums: defaultdict[str, defaultdict[Labels, float]] = defaultdict(lambda: defaultdict(float))
    for page in pages:
        for name, series in page.metrics.items():
            for labels, value in series.items():
                sums[name][labels] += value
    return Page({name: dict(series) for name, series in sums.items()})


def spread(moved: Page, name: str, **labels: str) -> Spread | None:
    """Return how a histogram spreads; None where nothing was seen."""
    buckets: defaultdict[float, float] = defaultdict(float)
    wanted = labels.items()
    for found, count in moved.metrics.get(f"{name}_bucket", {}).items():
        words = dict(found)
        if wanted <= words.items():
            buckets[float(words["le"])] += count
    rising = sorted(buckets.items())
    if not rising or not rising[-1][1]:
        return None
    return Spread(half_s=_quantile(rising, HALF), most_s=_quantile(rising, MOST))


def _quantile(rising: Sequence[tuple[float, float]], part: float) -> float:
    """Return below which value a part of all lies: evenly spread in its bucket, as Prometheus takes it."""
    wanted = part * rising[-1][1]
    low, below = 0.0, 0.0
    for bound, count in rising:
        if count >= wanted:
            return low if bound == float("inf") else low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low

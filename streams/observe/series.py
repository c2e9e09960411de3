"""What a series is made of: histograms, and which series there are before anything has happened.

Plain numbers by label values. Neither Prometheus's formats nor the rules of labels belong here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product
from math import prod

from streams.observe.catalogue import Kind, Metric
from streams.observe.words import BOUNCES, CLOSED, OPEN

Labels = tuple[str, ...]

NOT_BEFORE = frozenset(
    {
        "ses_last_commit_timestamp_seconds",
        "ses_send_rate",
        "ses_quota_remaining",
        "ses_quota_limit",
        "ses_disk_free_bytes",
        "ses_disk_size_bytes",
    }
)
"""What is not shown before it is known: of these, 0 would say that something is gone, used up or ages old."""
_WILD = 2
"""Words that any closed list has besides its own: other, unknown."""


class Histogram:
    """Counts of values by upper bound. Bounds are seconds; values are whatever there are *per_second* of."""

    __slots__ = ("_counts", "_find", "_per_second", "_total", "bounds")

    def __init__(self, bounds: Sequence[float], per_second: int = 1) -> None:
        """Begin with nothing seen."""
        self.bounds = tuple(bounds)
        self._per_second = per_second
        self._find = partial(bisect_left, [bound * per_second for bound in bounds])
        self._counts: Counter[int] = Counter()
        self._total = 0.0

    def add(self, values: Iterable[float]) -> None:
        """Count all *values*."""
        seen = list(values)
        self._counts.update(map(self._find, seen))
        self._total += sum(seen)

    @property
    def seconds(self) -> float:
        """The sum of all values, in seconds."""
        return self._total / self._per_second

    def cumulative(self) -> Iterable[tuple[float, int]]:
        """Yield each upper bound in seconds and how many values are at or below it; infinity last."""
        so_far = 0
        for index, bound in enumerate((*self.bounds, float("inf"))):
            so_far += self._counts[index]
            yield bound, so_far


def from_the_start(metric: Metric, streams: Iterable[str] = ()) -> Iterable[Labels]:
    """Yield the series of a metric that can be foreseen: they begin at 0, or a rate would miss their first event."""
    if metric.name in NOT_BEFORE:
        return ()
    if metric.name == "ses_bounces_total":
        return ((kind, subtype) for kind, subtypes in BOUNCES.items() for subtype in subtypes)
    if "provider" in metric.labels and "stream" in metric.labels:
        return ()  # their product is large: such a pair is complete from the moment it is first seen
    words = [tuple(streams) if label == "stream" else foreseen(metric, label) for label in metric.labels]
    return product(*words)


def beside(metric: Metric, labels: Labels) -> Iterable[Labels]:
    """Yield the series that come with the first of them: the same stream and provider, each other word."""
    if "stream" not in metric.labels:
        return (labels,)
    given = zip(metric.labels, labels, strict=True)
    kept = ("stream", "provider")
    return product(*((value,) if label in kept else (*foreseen(metric, label), value) for label, value in given))


def foreseen(metric: Metric, label: str) -> tuple[str, ...]:
    """Return the closed list of a label; nothing for a label that has none."""
    return CLOSED.get(f"{metric.name}.{label}", CLOSED.get(label, ()))


def lines(metric: Metric) -> int:
    """Return how many samples one series is on the page: a histogram's are its buckets, a sum and a count."""
    return len(metric.buckets) + 3 if metric.kind is Kind.HISTOGRAM else 1


def most(metric: Metric, streams: int) -> int:
    """Return how many samples a metric can come to with so many streams; for each partition, where it has those."""
    return lines(metric) * prod(_values(metric, label, streams) for label in metric.labels)


def _values(metric: Metric, label: str, streams: int) -> int:
    """Return how many values a label can have; of partitions each has its own topic."""
    if label == "stream":
        return streams + _WILD
    if label in OPEN or "partition" in metric.labels:
        return 1
    return len(foreseen(metric, label)) + _WILD

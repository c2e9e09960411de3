"""Counts what the hops and the engine say. How it looks to Prometheus is exposition.py's business.

Own sums, not a client object per series: a chunk brings a few hundred increments at once, and they are added under
one lock. What can be counted is in catalogue.py, under which labels in labels.py; a key that is not there raises,
because a typing error that counts nothing would look like peace.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from streams import __version__
from streams.observe.catalogue import LINES, METRICS, Kind, Metric
from streams.observe.labels import Labels as Rules
from streams.observe.labels import by_provider, latencies_by_provider
from streams.observe.progress import Ask, Progress
from streams.observe.ratios import Ratios
from streams.observe.series import Histogram, Labels, beside, from_the_start, lines, most

_MS = 1000
NOTHING: Mapping[str, Sequence[int]] = MappingProxyType({})


class Metrics:
    """Every number of one worker.

    Args:
        streams: sending streams that get a label of their own; without any, the first 50 seen.
        part: what runs here, `worker` or `intake`.

    """

    def __init__(self, streams: Sequence[str] = (), part: str = "worker") -> None:
        """Begin every series that can be foreseen at 0."""
        self._rules = Rules(streams)
        self._ratios = Ratios()
        self._ask: Ask | None = None
        self._lock = threading.Lock()
        self._values: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}
        self._lookups: list[Callable[[], Mapping[str, Mapping[Labels, float]]]] = []
        for metric in METRICS.values():
            if metric.kind is Kind.HISTOGRAM:
                self._histograms[metric.name] = {
                    labels: Histogram(metric.buckets, _MS) for labels in from_the_start(metric)
                }
            else:
                self._values[metric.name] = dict.fromkeys(from_the_start(metric, streams), 0.0)
        self._values["ses_build_info"] = {(__version__, part): 1.0}
        self._values["ses_reputation_line_ratio"] = dict(LINES)

    def apply(self, counts: Mapping[Labels, int], latencies: Mapping[str, Sequence[int]] = NOTHING) -> None:
        """Add what one chunk counted.

        Args:
            counts: (metric, label values...) to increments; where the label is a provider, the recipient's domain.
                For gauges the increments may be negative.
            latencies: mailbox domain to milliseconds from send to delivery.

        Raises:
            KeyError: the catalogue has no such metric.
            ValueError: it has, but with other labels.

        """
        with self._lock:
            for (name, *values), count in by_provider(counts).items():
                self._add(name, self._rules.resolve(name, values), count)
            for provider, durations in latencies_by_provider(latencies).items():
                self._observe("ses_delivery_latency_seconds", (provider,), durations)

    def chunk(self, hop: str, milliseconds: float, steps: Mapping[str, float]) -> None:
        """Take the time of one chunk: all of it in ms, and the seconds that each step took."""
        with self._lock:
            self._observe("ses_chunk_seconds", (hop,), (milliseconds,))
            for step, seconds in steps.items():
                name = "ses_step_seconds_total"
                self._add(name, self._rules.resolve(name, (hop, step)), seconds)

    def ages(self, milliseconds: Iterable[int]) -> None:
        """Take ages of events, in ms."""
        with self._lock:
            self._observe("ses_event_age_seconds", (), milliseconds)

    def arrivals(self, road: str, milliseconds: Iterable[int]) -> None:
        """Take the ages, in ms, of events that came in by a road."""
        with self._lock:
            self._observe("ses_intake_age_seconds", (road,), milliseconds)

    def set(self, name: str, values: Mapping[Labels, float]) -> None:
        """Replace all values of a gauge, by label values: what a table holds, counted anew after recovery."""
        with self._lock:
            known = dict.fromkeys(from_the_start(METRICS[name], self._rules.streams), 0.0)
            self._values[name] = known | {self._rules.resolve(name, labels): v for labels, v in values.items()}

    def look_up(self, ask: Callable[[], Mapping[str, Mapping[Labels, float]]]) -> None:
        """Ask *ask* for whole gauges, by metric and label values, whenever metrics are read."""
        self._lookups.append(ask)

    def watch(self, ask: Ask) -> None:
        """Ask *ask* for the engine's progress whenever metrics are read."""
        self._ask = ask

    def look(self) -> None:
        """Bring up to date what is not counted but looked up: ratios, dropped labels, the engine's progress."""
        windows = {(stream,): window for stream, window in self._ratios.streams.items() if window.sends}
        looked: dict[str, dict[Labels, float]] = {
            "ses_bounce_ratio": {labels: window.bounce_ratio for labels, window in windows.items()},
            "ses_complaint_ratio": {labels: window.complaint_ratio for labels, window in windows.items()},
            "ses_ratio_sends": {labels: window.sends for labels, window in windows.items()},
        }
        if self._ask is not None:
            looked |= _of_engine(self._ask())
        for lookup in self._lookups:
            for name, values in lookup().items():
                self.set(name, values)
        with self._lock:
            lost = looked.pop("ses_lost_records_total", {})
            self._values |= looked
            self._values["ses_lost_records_total"] |= lost
            self._values["ses_dropped_labels_total"] |= {(label,): n for label, n in self._rules.dropped.items()}
            self._values |= self._size()

    def values(self, name: str) -> dict[Labels, float]:
        """Return a counter's or a gauge's values by label values."""
        with self._lock:
            return dict(self._values[name])

    def histograms(self, name: str) -> dict[Labels, Histogram]:
        """Return a histogram's series by label values."""
        with self._lock:
            return dict(self._histograms[name])

    def _add(self, name: str, labels: Labels, count: float) -> None:
        """Add to one series; one that nobody foresaw brings those beside it."""
        series = self._values[name]
        if labels not in series:
            self._welcome(METRICS[name], labels)
            series.update({other: series.get(other, 0.0) for other in beside(METRICS[name], labels)})
        series[labels] += count
        self._ratios.saw(name, labels, int(count))

    def _welcome(self, metric: Metric, labels: Labels) -> None:
        """Begin all counters of a stream at 0 when any of them first names it, not only the one that does."""
        if "stream" not in metric.labels:
            return
        stream = labels[metric.labels.index("stream")]
        for other in METRICS.values():
            if other.kind is Kind.COUNTER and "stream" in other.labels:
                series = self._values[other.name]
                series.update({key: 0.0 for key in from_the_start(other, (stream,)) if key not in series})

    def _size(self) -> dict[str, dict[Labels, float]]:
        """Return how many samples there are, and how many there can be."""
        now = sum(map(len, self._values.values()))
        now += sum(lines(METRICS[name]) * len(series) for name, series in self._histograms.items())
        room = self._rules.room
        bound = sum(most(metric, room) for metric in METRICS.values() if "partition" not in metric.labels)
        return {"ses_series": {(): now}, "ses_series_limit": {(): bound + len(self._values["ses_consumer_lag"])}}

    def _observe(self, name: str, values: Sequence[str], durations: Iterable[float]) -> None:
        """Add durations, in ms, to one histogram."""
        series, labels = self._histograms[name], self._rules.resolve(name, values)
        if labels not in series:
            series[labels] = Histogram(METRICS[name].buckets, _MS)
        series[labels].add(durations)


def _of_engine(progress: Progress) -> dict[str, dict[Labels, float]]:
    """Return the gauges that say how far the engine is."""
    waiting: dict[Labels, float] = {
        (topic, str(number)): position.lag for (topic, number), position in progress.positions.items()
    }
    committed: dict[Labels, float] = {} if progress.committed_at is None else {(): progress.committed_at / _MS}
    return {
        "ses_consumer_lag": dict(waiting),
        "ses_recovery_remaining": {(): float(progress.recovery_remaining)},
        "ses_last_commit_timestamp_seconds": committed,
        "ses_lost_records_total": {(role,): float(count) for role, count in progress.lost.items()},
    }

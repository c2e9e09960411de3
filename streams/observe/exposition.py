"""Shows the metrics in Prometheus's two text formats, as the scraper asks. The only file that needs its client.

A registry of our own: the client's global one would also show what other packages put there.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from streams.observe.catalogue import METRICS, Kind, Metric
from streams.observe.metrics import Metrics


class Exposition(Collector):
    """The page that a scraper reads."""

    def __init__(self, metrics: Metrics) -> None:
        """Show *metrics*, and what the process itself uses (process_*)."""
        self._metrics = metrics
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """Return the page and its content type: OpenMetrics where *accept* (the HTTP header) asks for it."""
        self.look()
        return self.written(accept)

    def look(self) -> None:
        """Bring up to date what is looked up; in the thread of those who are asked."""
        self._metrics.look()

    def written(self, accept: str = "") -> tuple[bytes, str]:
        """Return the page of what is known by now; may run in another thread than what is counted."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterator[Family]:
        """Yield every metric of the catalogue, in its order."""
        for metric in METRICS.values():
            yield self._histogram(metric) if metric.kind is Kind.HISTOGRAM else self._plain(metric)

    def _plain(self, metric: Metric) -> Family:
        family: CounterMetricFamily | GaugeMetricFamily | InfoMetricFamily
        values = self._metrics.values(metric.name)
        if metric.kind is Kind.INFO:
            family = InfoMetricFamily(metric.name.removesuffix("_info"), metric.help, labels=())
            for labels in values:
                family.add_metric((), dict(zip(metric.labels, labels, strict=True)))
            return family
        make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        family = make(metric.name, metric.help, labels=metric.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family

    def _histogram(self, metric: Metric) -> Family:
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, series in self._metrics.histograms(metric.name).items():
            buckets = [(_le(bound), float(count)) for bound, count in series.cumulative()]
            family.add_metric(labels, buckets, series.seconds)
        return family


def _le(bound: float) -> str:
    """Return an upper bound as both formats write it."""
    return "+Inf" if bound == float("inf") else str(float(bound))

"""The metrics that the benchmark of a scrape fills are those that a worker could have."""

from __future__ import annotations

from benchmarks.scrape import INPUTS, filled
from streams.observe.provider import Provider


def test_every_stream_is_at_every_provider_and_all_stays_within_the_limit() -> None:
    metrics = filled(streams=3, partitions=2)
    metrics.look()
    delivered = [labels for labels, count in metrics.values("ses_outcomes_total").items() if count]
    assert len(delivered) == 3 * len(Provider)
    assert len(metrics.values("ses_consumer_lag")) == 2 * len(INPUTS)
    assert 0 < metrics.values("ses_series")[()] < metrics.values("ses_series_limit")[()]

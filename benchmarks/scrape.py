"""What a scrape costs a worker: the page of metrics made again and again, for few streams and for many.

No broker and no socket: the page is made in the worker's loop, and while it is made no chunk moves on; that time is
what counts. Times are this process's own processor time, the median of many pages, so that a busy machine shows less.
The metrics hold what a worker's do after a day: every stream at every mailbox provider, some latencies, a lag for each
partition.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import described
from streams.observe.exposition import Exposition
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Position, Progress
from streams.observe.provider import DOMAINS, Provider

RESULTS = Path(__file__).parent / "results" / "scrape.ndjson"
EVERY_S = 15.0
"""How often Prometheus asks, where nobody says otherwise."""
STREAMS = (1, 10, 50)
INPUTS = ("sends", "feedback", "outcomes", "instructions")
FORMATS = {"openmetrics": "application/openmetrics-text; version=1.0.0", "text": "text/plain"}


def main(words: list[str]) -> int:
    """Run it, print the figures, and add them to the history."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='scrape", description=__doc__)
    parser.add_argument("--partitions", type=int, default=12, help="of each input, on one worker")
    parser.add_argument("--pages", type=int, default=100, help="made of each sort")
    said = parser.parse_args(words)
    pages = {str(streams): _measured(filled(streams, said.partitions), said.pages) for streams in STREAMS}
    figures = {"benchmark": "scrape", "partitions": said.partitions, "by_streams": pages}
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **figures})
    print(line)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as history:
        history.write(line + "\n")
    return 0


def filled(streams: int, partitions: int) -> Metrics:
    """Return metrics that have seen so many streams at every provider."""
    metrics = Metrics()
    domains = {provider: domain for domain, provider in DOMAINS.items()} | {Provider.OTHER: "firm.example"}
    for number, domain in product(range(streams), domains.values()):
        stream = f"stream-{number}"
        metrics.apply({("ses_sends_total", stream, "API"): 997})
        metrics.apply({("ses_outcomes_total", stream, "DELIVERED", domain): 991})
    metrics.apply({}, {domain: [900, 61_000, 7_200_000] for domain in domains.values()})
    lags = {(f"ses.{topic}", number): Position(10, 5) for topic, number in product(INPUTS, range(partitions))}
    metrics.watch(lambda: Progress(phase=Phase.RUNNING, positions=lags, committed_at=1_700_000_000_000))
    return metrics


def _measured(metrics: Metrics, pages: int) -> dict[str, Any]:
    exposition = Exposition(metrics)
    found: dict[str, Any] = {}
    for name, accept in FORMATS.items():
        page, _ = exposition.page(accept)
        took = median(_seconds(partial(exposition.page, accept)) for _ in range(pages))
        found[name] = {
            "ms": round(1000 * took, 2),
            "kb": round(len(page) / 1000, 1),
            "gzipped_kb": round(len(gzip.compress(page)) / 1000, 1),
            "core_share": round(took / EVERY_S, 5),
        }
    ((_, series),) = metrics.values("ses_series").items()
    return {"series": round(series), **found}


def _seconds(make: Callable[[], object]) -> float:
    begun = time.process_time()
    make()
    return time.process_time() - begun

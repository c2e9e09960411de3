"""Reads a worker's /metrics page: Prometheus's text format, as far as ours goes.

Written out here because the client library belongs to observe/ alone, and it cannot read its own pages without it.
A worker that is being killed answers late or never: then there is simply no page.
"""

from __future__ import annotations

import http.client
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

TIMEOUT_S = 0.5

_LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: metric name to label sets to value."""

    metrics: Mapping[str, Mapping[Labels, float]] = field(default_factory=dict)

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over all series of a metric that bear these labels; 0 where there are none."""
        wanted = labels.items()
        return sum(value for found, value in self.metrics.get(name, {}).items() if wanted <= dict(found).items())

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return a metric's sums by one label."""
        sums: defaultdict[str, float] = defaultdict(float)
        for found, value in self.metrics.get(name, {}).items():
            sums[dict(found).get(label, "")] += value
        return dict(sums)


def read_page(text: str) -> Page:
    """Return what a page says; comments and lines in another shape are passed over."""
    metrics: defaultdict[str, dict[Labels, float]] = defaultdict(dict)
    for line in text.splitlines():
        found = None if line.startswith("#") else _LINE.fullmatch(line)
        if found is not None:
            metrics[found[1]][frozenset(_LABEL.findall(found[2] or ""))] = float(found[3])
    return Page(dict(metrics))


def fetch_page(port: int) -> Page | None:
    """Return the page of the worker on a local *port*, or None where it does not answer in time."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        asked.request("GET", "/metrics")
        answer = asked.getresponse()
        return read_page(answer.read().decode()) if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        asked.close()


def is_ready(port: int) -> bool:
    """Tell whether the worker says that it is ready."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        asked.request("GET", "/health/ready")
        return asked.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()

"""A small demo run that a real Prometheus watches from its first second to its last, and answers for afterwards.

The worker and all around it are those of `ses-streams demo`. Grafana's variables have the values that they would have
with all chosen, and spans that fit into a minute.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from streams.demo.plan import Plan
from streams.demo.run import Show
from streams.demo.screen import screen_on
from streams.demo.stage import Stage
from tests.grafana.reading import with_values
from tests.grafana.server import Prometheus, Series

LAST_SCRAPES_S = 3.0
"""Two more scrapes after the end, so that the last of it is seen."""
RATE_S = 10
RULES = tuple(
    Path(__file__).resolve().parents[2] / "deploy/prometheus" / name for name in ("recording.yml", "alerts.yml")
)
ALL = ".*"


@dataclass(frozen=True, slots=True)
class Observed:
    """What Prometheus saw of one run; *port* is the worker's."""

    prometheus: Prometheus
    port: int
    start: float
    end: float
    step: int = 1

    def answers(self, expr: str, *, at_once: bool) -> Sequence[Series]:
        """Return what a panel's query answers, without what is not a number."""
        query = with_values(expr, self._values())
        if at_once:
            series = self.prometheus.at(query, self.end)
        else:
            series = self.prometheus.over(query, self.start, self.end, self.step)
        kept = [(labels, [point for point in points if point[1] == point[1]]) for labels, points in series]
        return [(labels, points) for labels, points in kept if points]

    def while_busy(self) -> Observed:
        """Return it as it was seen while much mail went out."""
        rates = self.prometheus.over(f"sum(rate(ses_sends_total[{RATE_S}s]))", self.start, self.end, 1)
        most = max(rate for _, rate in rates[0][1])
        busy = [at for at, rate in rates[0][1] if rate > most / 2]
        return replace(self, start=busy[0] - RATE_S, end=busy[-1], step=2)

    def _values(self) -> dict[str, str]:
        seconds = f"{self.end - self.start:.0f}"
        spans = {"__range": f"{seconds}s", "__range_s": seconds, "__rate_interval": f"{RATE_S}s"}
        return spans | {"__interval": "1s", "__interval_ms": "1000"} | dict.fromkeys(("job", "stream", "provider"), ALL)


@contextmanager
def observed(program: Path, home: Path, messages: int, requests: int) -> Iterator[Observed]:
    """Play a demo under Prometheus's eyes; inside, the worker and Prometheus answer."""
    plan = Plan(messages=messages, seed=1, partitions=4, requests=requests)
    with Stage(plan) as stage, Prometheus(program, home, stage.worker.port, RULES) as prometheus:
        start = time.time()
        with screen_on(Console(file=io.StringIO())) as screen:
            Show(plan, stage, screen, time.monotonic()).play()
        time.sleep(LAST_SCRAPES_S)
        yield Observed(prometheus, stage.worker.port, start, time.time())

"""Runs ses-streams itself: one worker or several of one group, observing, with the settings that it comes with.

It has begun with its first chunk, by its own clock, and is done when the group has committed all sends and feedback
and then all outcomes, which its second hop reads. Its metrics are read once, at the end: a page costs it time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from benchmarks.join.field import Run
from benchmarks.join.ran import Failed, Ran, ran
from benchmarks.join.workload import PARTITIONS
from benchmarks.measure import Log, Place, Sampler, lag
from streams.demo.gauges import Page
from streams.demo.worker import Worker
from streams.errors import WorldFailed

POLL_S = 0.05
PATIENCE_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """So many workers; *compiled* where ordinary records may take the compiled short way."""

    workers: int = 1
    compiled: bool = True

    def why_not(self) -> str:
        """Return why it cannot run here: it always can."""
        return ""

    def run(self, run: Run) -> Ran:
        """Run it; return the figures.

        Raises:
            Failed: a worker died, or they did not come to an end.

        """
        with _started(run, self) as workers, ExitStack() as watching:
            runner = watching.enter_context(Sampler(lambda: [one.pid for one in workers if one.pid]))
            broker = watching.enter_context(Sampler(lambda: [run.broker_pid]))
            _await_end(run, workers, watching.enter_context(closing(Log(run.brokers))))
            runner.sample()
            done = broker.sample()
            pages = [_page(worker) for worker in workers]
            for worker in workers:
                worker.stop()
        firsts = [page.total("ses_chunk_timestamp_seconds", edge="first") for page in pages]
        return ran(runner, broker, min(first for first in firsts if first), done, _steps(pages))


@contextmanager
def _started(run: Run, ours: Ours) -> Iterator[list[Worker]]:
    """Start the workers, and stop them whatever happens."""
    workers = []
    for number in range(ours.workers):
        home = run.home / str(number)
        home.mkdir()
        workers.append(Worker(_variables(run, number, compiled=ours.compiled), home))
    try:
        for worker in workers:
            worker.start()
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def _variables(run: Run, number: int, *, compiled: bool) -> dict[str, str]:
    said = {
        "BROKERS": run.brokers,
        "TOPIC_PREFIX": run.course.prefix,
        "GROUP": run.group,
        "PARTITIONS": PARTITIONS,
        "REPLICATION": 1,
        "ENGINE__INSTANCE_ID": f"worker-{number}",
        "ENGINE__COMPILED": str(compiled).lower(),
        "DISPATCH__ENABLED": "false",
    }
    return {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}


def _await_end(run: Run, workers: Sequence[Worker], log: Log) -> None:
    """Wait until the group has committed everything that there is to read."""
    until, made = time.monotonic() + PATIENCE_S, [run.course.topic("outcomes")]
    inputs, outcomes = log.ends(run.course.inputs), dict[Place, int]()
    while True:
        committed = log.committed(run.group, [*run.course.inputs, *made])
        if not outcomes and lag(inputs, committed) == 0:
            outcomes = log.ends(made)  # all are there: outputs go before the commit
        if outcomes and lag(outcomes, committed) == 0:
            return
        _check(workers)
        if time.monotonic() > until:
            raise Failed(f"not done after {PATIENCE_S:.0f} s: {lag(inputs, committed)} records wait")
        time.sleep(POLL_S)


def _check(workers: Sequence[Worker]) -> None:
    try:
        for worker in workers:
            worker.check()
    except WorldFailed as died:
        raise Failed(str(died)) from died


def _page(worker: Worker) -> Page:
    page = worker.page()
    if page is None:
        raise Failed("a worker does not show its metrics")
    return page


def _steps(pages: Sequence[Page]) -> dict[str, float]:
    """Return the seconds of each hop's steps, summed over the workers."""
    sums: dict[str, float] = {}
    for page in pages:
        for labels, seconds in page.metrics.get("ses_step_seconds_total", {}).items():
            named = dict(labels)
            step = f"{named['hop']}/{named['step']}"
            sums[step] = round(sums.get(step, 0.0) + seconds, 4)
    return {step: seconds for step, seconds in sorted(sums.items()) if seconds}

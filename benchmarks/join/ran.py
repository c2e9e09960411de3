"""What is measured of a run, whoever ran: only what was used between its first record and its last commit.

Starting up and recovering is not part of it. Nothing here knows a contestant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.measure import Sampler


class Failed(Exception):
    """A contestant did not get to the end; the words are its last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run: wall and processor seconds from *begun* to *done*, memory at its highest, and the broker's share.

    *life_cpu_s* is the processor time of its whole life; *steps* what a contestant says of its own work, seconds.
    """

    seconds: float
    cpu_s: float
    life_cpu_s: float
    peak_mb: float
    broker_cpu_s: float
    steps: Mapping[str, float] = field(default_factory=dict)


def ran(runner: Sampler, broker: Sampler, begun: float, done: float, steps: Mapping[str, float] | None = None) -> Ran:
    """Return the figures of a run that began and was done at these moments."""
    return Ran(
        seconds=round(done - begun, 3),
        cpu_s=round(runner.cpu_between(begun, done), 3),
        life_cpu_s=round(runner.cpu_at(float("inf")), 3),
        peak_mb=round(runner.peak_mb, 1),
        broker_cpu_s=round(broker.cpu_between(begun, done), 3),
        steps=steps or {},
    )

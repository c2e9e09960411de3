"""What the counters were a moment and an hour ago, so that a page can say how much passes now and whether it grows.

A ring of a few samples, taken by whoever has a clock: totals every five seconds for ten minutes, and every minute for
an hour what is asked by stream and by provider. Bounded whatever happens. Prometheus keeps the long memory, not this.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from streams.mail.outcome import OutcomeKind
from streams.observe.metrics import Metrics
from streams.observe.ratios import RATED, Rated, added, rated

STEP_MS = 5_000
STEPS = 120
MINUTE_MS = 60_000
MINUTES = 60
RATE_OVER_MS = 10_000
"""A rate of now is that of the last ten seconds: shorter, and it jumps with every chunk."""


class Totals(NamedTuple):
    """What has passed since the worker began; bounces are hard and soft ones."""

    sends: float = 0.0
    outcomes: float = 0.0
    bounces: float = 0.0
    complaints: float = 0.0


Outcomes = Mapping[tuple[str, str], float]
"""Outcomes by provider and kind."""


class Sample(NamedTuple):
    """Totals at a moment, ms since the epoch."""

    at: int
    totals: Totals


class Minute(NamedTuple):
    """What is asked by stream and by provider, at a moment."""

    at: int
    rated: Mapping[str, Rated]
    outcomes: Outcomes


class Lately(NamedTuple):
    """What was counted in the last *span* ms."""

    span: int
    rated: Mapping[str, Rated]
    outcomes: Outcomes


class History:
    """The last samples of one worker's counters."""

    def __init__(self, metrics: Metrics, now: int) -> None:
        """Begin with what stands in *metrics* at *now*."""
        self._metrics = metrics
        self._samples: deque[Sample] = deque([Sample(now, self._totals())], maxlen=STEPS + 1)
        self._minutes: deque[Minute] = deque([self._minute(now)], maxlen=MINUTES + 1)
        self._last, self._began = self._samples[-1], now

    def take(self, now: int) -> None:
        """Take a sample; the first one of each step, and of each minute, is kept."""
        self._last = Sample(now, self._totals())
        if now // STEP_MS != self._samples[-1].at // STEP_MS:
            self._samples.append(self._last)
        if now // MINUTE_MS != self._minutes[-1].at // MINUTE_MS:
            self._minutes.append(self._minute(now))

    def rates(self) -> Totals:
        """Return what passes a second, now."""
        last = self._last
        before = next((old for old in reversed(self._samples) if last.at - old.at >= RATE_OVER_MS), self._samples[0])
        return _rates(before, last)

    def steps(self) -> Sequence[tuple[int, Totals]]:
        """Return the rates of the past, oldest first, each with the moment (ms) at which its step ended."""
        return [(later.at // STEP_MS * STEP_MS, _rates(before, later)) for before, later in pairwise(self._samples)]

    def lately(self, minutes: int = MINUTES) -> Lately:
        """Return what was counted in the last *minutes*, or since the worker began where that is less."""
        now = self._last.at
        since = next((old for old in self._minutes if now - old.at <= minutes * MINUTE_MS), self._minutes[-1])
        rated, outcomes = self._rated(), self._outcomes()
        return Lately(
            now - since.at,
            {stream: Rated(*_less(all_, since.rated.get(stream, Rated()))) for stream, all_ in rated.items()},
            {key: count - since.outcomes.get(key, 0.0) for key, count in outcomes.items()},
        )

    def since_began(self) -> Lately:
        """Return what was counted since the worker began."""
        return Lately(self._last.at - self._began, self._rated(), self._outcomes())

    def _totals(self) -> Totals:
        kinds = Counter[str]()
        for (_, kind, _), count in self._metrics.values("ses_outcomes_total").items():
            kinds[kind] += int(count)
        return Totals(
            sends=sum(self._metrics.values("ses_sends_total").values()),
            outcomes=kinds.total(),
            bounces=kinds[OutcomeKind.HARD_BOUNCED] + kinds[OutcomeKind.SOFT_BOUNCED],
            complaints=kinds[OutcomeKind.COMPLAINED],
        )

    def _minute(self, now: int) -> Minute:
        return Minute(now, self._rated(), self._outcomes())

    def _outcomes(self) -> Outcomes:
        found = Counter[tuple[str, str]]()
        for (_, kind, provider), count in self._metrics.values("ses_outcomes_total").items():
            found[provider, kind] += int(count)
        return +found

    def _rated(self) -> dict[str, Rated]:
        """Return what SES rates by stream, since the worker began."""
        found: defaultdict[str, Rated] = defaultdict(Rated)
        for name in RATED:
            for labels, count in self._metrics.values(name).items():
                if count and (one := rated(name, labels, int(count))) is not None:
                    found[one[0]] = added(found[one[0]], one[1])
        return {stream: all_ for stream, all_ in found.items() if all_.sends}


def _rates(before: Sample, after: Sample) -> Totals:
    """Return what passed a second between two samples."""
    seconds = (after.at - before.at) / 1000
    if seconds <= 0:
        return Totals()
    return Totals(*((new - old) / seconds for old, new in zip(before.totals, after.totals, strict=True)))


def _less(all_: Rated, before: Rated) -> tuple[int, ...]:
    return tuple(new - old for new, old in zip(all_, before, strict=True))

"""How fast the worker is, by its own counters, looked at several times a second.

A measurement runs from the last look at which nothing was done to the first at which all was done, so it errs on the
slow side, by up to two looks. Counters of a killed worker are gone: then only the whole time tells anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.demo.ending import Speed
from streams.demo.gauges import Page
from streams.demo.plan import Plan

RATE_OVER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look: *joined* sends and events through hop 1, *judged* outcomes through hop 2, processor seconds, steps.

    *worked* is the time, by the worker's clock, from the beginning of its first chunk to the end of its last.
    """

    at: float
    joined: float = 0.0
    judged: float = 0.0
    cpu: float = 0.0
    rss: float = 0.0
    worked: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)


class Meter:
    """Keeps what is needed of the looks. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        """Begin without a look."""
        self._recent: list[Look] = []
        self._first: Look | None = None
        self._ended_at = 0.0
        self.done: Look | None = None
        self.ready_at = 0.0
        self.page = Page()
        self.page_then: Page | None = None
        """The page when all was done; what the worker counts later is not of the day."""

    def look(self, at: float, page: Page) -> None:
        """Take one look at the worker's page."""
        records, edges = page.by("ses_records_total", "topic"), page.by("ses_chunk_timestamp_seconds", "edge")
        look = Look(
            at=at,
            joined=records.get("sends", 0.0) + records.get("feedback", 0.0),
            judged=records.get("outcomes", 0.0),
            cpu=page.total("process_cpu_seconds_total"),
            rss=page.total("process_resident_memory_bytes"),
            worked=edges.get("last", 0.0) - edges.get("first", 0.0),
            steps=page.by("ses_step_seconds_total", "step"),
        )
        if look.joined == 0:
            self._first = look
        self._recent = [one for one in self._recent if at - one.at <= RATE_OVER_S] + [look]
        self.page = page

    def restarted(self) -> None:
        """Forget what a killed worker had counted."""
        self._first, self._recent, self.page = None, [], Page()

    def expect(self, joined: int, judged: int) -> None:
        """Note the first look at which so many records are through hop 1 and so many through hop 2."""
        last = self._recent[-1] if self._recent else None
        if self.done is None and last is not None and last.joined >= joined and last.judged >= judged:
            self.done, self.page_then = last, self.page

    def end(self, at: float) -> None:
        """Note when the last thing moved."""
        self._ended_at = at

    @property
    def joined(self) -> float:
        """Return how many records are through hop 1, as far as this life of the worker has told."""
        return self._recent[-1].joined if self._recent else 0.0

    @property
    def judged(self) -> float:
        """Return how many outcomes are through hop 2, as far as this life of the worker has told."""
        return self._recent[-1].judged if self._recent else 0.0

    @property
    def rate(self) -> float:
        """Return how many records a second hop 1 has worked off lately."""
        if len(self._recent) < 2:  # noqa: PLR2004 - two looks make a rate
            return 0.0
        first, last = self._recent[0], self._recent[-1]
        return (last.joined - first.joined) / (last.at - first.at)

    def speed(self, plan: Plan, events: int) -> Speed:
        """Return how fast *events* sends and SES events went through."""
        first, done = self._first, self.done
        if plan.kills or first is None or done is None:
            return Speed(measured=plan.told, events=events, seconds=self._ended_at - self.ready_at, steps={})
        return Speed(
            measured=plan.told,
            events=events,
            seconds=done.worked,
            cpu_us=(done.cpu - first.cpu) / events * 1e6,
            rss_bytes=round(done.rss),
            alone=plan.measured,
            steps={step: (s - first.steps.get(step, 0.0)) / events * 1e6 for step, s in done.steps.items()},
        )

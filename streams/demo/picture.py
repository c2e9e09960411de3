"""Takes a scene of the running show: gathers from everyone who knows something, and decides nothing."""

from __future__ import annotations

import time
from collections import Counter

from streams.demo.audit import Audit
from streams.demo.feed import Feeder
from streams.demo.kills import Kills
from streams.demo.ledger import Ledger
from streams.demo.loop.closed import ClosedLoop
from streams.demo.meter import Meter
from streams.demo.plan import Plan
from streams.demo.scene import Scene
from streams.demo.script import Script

RATE_OVER_S = 2.0
WAIT_TO_BE_JOINED = ("sends", "feedback")


class Picture:
    """Knows whom to ask."""

    def __init__(  # noqa: PLR0913 - one argument for each who is asked
        self,
        *,
        plan: Plan,
        begun: float,
        feeder: Feeder,
        ledger: Ledger,
        script: Script,
        audit: Audit,
        meter: Meter,
        kills: Kills,
        loop: ClosedLoop | None,
    ) -> None:
        """Keep them; *begun* is when the show began (time.monotonic)."""
        self._plan, self._begun = plan, begun
        self._feeder, self._ledger, self._script = feeder, ledger, script
        self._audit, self._meter, self._kills, self._loop = audit, meter, kills, loop
        self._fed: list[tuple[float, int]] = []

    def take(self, doing: str, now: float, pid: int | None) -> Scene:
        """Return the scene at *now* (time.monotonic)."""
        audit, feeder, kills, seen = self._audit, self._feeder, self._kills, self._audit.seen
        kinds = self._larger(seen.kinds, "ses_outcomes_total", "kind")
        hard, complained = self._bad(kinds)
        return Scene(
            doing=doing,
            elapsed=now - self._begun,
            part=self._script.part,
            messages=self._plan.messages,
            seed=self._plan.seed,
            sends=feeder.sends,
            events=feeder.events,
            due=len(self._ledger.outcomes),
            outcomes=max(audit.outcomes_found, self._judged()),
            kinds=kinds,
            suppressed=self._larger(audit.suppressed, "ses_suppressions", "reason"),
            latest=tuple(seen.latest),
            letters=audit.letters_found,
            duplicates=self._ledger.duplicates,
            unmatched=seen.unmatched,
            fed_rate=self._fed_rate(now),
            work_rate=self._meter.rate,
            lag=self._lag(),
            bounces=hard / (feeder.sends or 1),
            complaints=complained / (feeder.sends or 1),
            kills=kills.done,
            kills_planned=kills.planned,
            worker="" if pid is None else f"worker process {pid}",
            loop=None if self._loop is None else self._loop.scene(int(time.time() * 1000)),
        )

    def _bad(self, kinds: Counter[str]) -> tuple[int, int]:
        """Return hard bounces and complaints as SES counts them, as well as is known by now."""
        seen = self._audit.seen
        if kinds is seen.kinds:
            return seen.bounced, len(seen.complained)
        return kinds["HARD_BOUNCED"], kinds["COMPLAINED"]

    def _larger(self, read: Counter[str], metric: str, label: str) -> Counter[str]:
        """Return what has been read, or, while that is more, what the worker itself counts: reading comes later."""
        if not self._plan.measured:
            return read
        page = self._meter.page if self._meter.page_then is None else self._meter.page_then
        counted = Counter({name: round(value) for name, value in page.by(metric, label).items() if value})
        return counted if counted.total() > read.total() else read

    def _judged(self) -> int:
        """Return how many outcomes the worker says are out, while they are not read yet."""
        return min(round(self._meter.judged), len(self._ledger.outcomes)) if self._plan.measured else 0

    def _lag(self) -> int | None:
        """Return how many records wait, where the worker's counters go back to the beginning."""
        if self._plan.kills:
            return None
        if self._loop is not None and not self._plan.measured:  # the worker counts the loop's records too
            waiting = self._meter.page.by("ses_consumer_lag", "topic")
            return round(sum(lag for topic, lag in waiting.items() if topic.endswith(WAIT_TO_BE_JOINED)))
        return max(0, self._feeder.sends + self._feeder.events - round(self._meter.joined))

    def _fed_rate(self, now: float) -> float:
        self._fed = [one for one in self._fed if now - one[0] <= RATE_OVER_S] + [(now, self._script.played)]
        (first_at, first), (last_at, last) = self._fed[0], self._fed[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else 0.0

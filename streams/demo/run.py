"""The show itself: hand in, watch, kill where asked, and compare; one loop that turns some twenty times a second.

Two ways to play. *Live*: the worker works while the day is handed in at a steady pace. *Drained*: the broker is filled
first and the worker started after, so that its speed is measured and not the feeder's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from random import Random

from streams.demo.audit import Audit, Verdict
from streams.demo.day import Day
from streams.demo.ending import Speed
from streams.demo.feed import Feeder
from streams.demo.kills import Kill, Kills
from streams.demo.ledger import Ledger
from streams.demo.loop.closed import ClosedLoop
from streams.demo.loop.ending import Looped
from streams.demo.meter import Meter
from streams.demo.outlet import Outlet, Take
from streams.demo.picture import Picture
from streams.demo.plan import MAILS_PER_S, Plan
from streams.demo.scene import Scene
from streams.demo.screen import Screen
from streams.demo.script import OUTCOMES_A_MAIL, RECORDS_A_MAIL, Pace, Script, steps
from streams.demo.stage import PREFIX, Stage
from streams.emit.publish import Publisher
from streams.errors import WorldFailed
from streams.schemas.codec import Codec, load_codec
from streams.topics import topic_name

FILL_RECORDS = 2_000
LOOK_S, SELDOM_S = 0.1, 0.25
"""How often to look at the worker; more seldom while it is measured, since each look costs it some milliseconds."""
TURN_S = 0.04
READY_S = 60.0
SETTLE_S = 1.5
"""Once all that is due is there, wait this long for what is not."""
PATIENCE_S = 45.0
"""If nothing moves for this long, beyond the time that feedback may wait for its send, nothing more will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended; *repeats* is how many outcomes were written again, *loop* is None without a closed loop."""

    scene: Scene
    verdict: Verdict
    speed: Speed
    repeats: int
    loop: Looped | None


class Show:
    """One run on a stage that is set."""

    def __init__(self, plan: Plan, stage: Stage, screen: Screen, begun: float) -> None:
        """Prepare everything that is ours; *begun* is when the command was given (time.monotonic)."""
        codec, now = load_codec(), _now_ms()
        ledger, publisher = Ledger(), stage.publisher()
        day = Day(messages=plan.messages, seed=plan.seed, until=now, ledger=ledger)
        feeder = Feeder(codec=codec, publish=publisher.publish, prefix=PREFIX, now=now)
        records = round(plan.messages * RECORDS_A_MAIL)
        self._plan, self._stage, self._screen, self._feeder, self._ledger = plan, stage, screen, feeder, ledger
        self._script = Script(steps(day, feeder, ledger, plan.messages), records, publisher.flush)
        self._pace = Pace(MAILS_PER_S * RECORDS_A_MAIL)
        chance = Random(plan.seed)  # noqa: S311 - chance that must repeat, not secrets
        self._kills = Kills(plan.kills, chance, round(plan.messages * OUTCOMES_A_MAIL))
        self._audit = Audit(ledger, codec)
        self._meter = Meter()
        self._loop = self._closed_loop(codec, publisher)
        self._picture = Picture(
            plan=plan,
            begun=begun,
            feeder=feeder,
            ledger=ledger,
            script=self._script,
            audit=self._audit,
            meter=self._meter,
            kills=self._kills,
            loop=self._loop,
        )
        self._outlet = Outlet(stage.brokers, self._takes(), plan.partitions)
        self._looked_at = self._started_at = self._moved_at = begun
        self._seen = -1.0
        self._complete_at: float | None = None
        self._kill: Kill | None = None

    def play(self) -> Result:
        """Play it through; return how it ended."""
        try:
            while self._plan.drained and not self._script.finished:
                self._script.play(FILL_RECORDS)
                self._look("the broker is filled; the worker starts after")
            self._start("the worker starts")
            self._await_ready()
            while not self._over():
                self._turn()
            return self._result()
        finally:
            self._outlet.close()

    def _closed_loop(self, codec: Codec, publisher: Publisher) -> ClosedLoop | None:
        """Return the closed loop, None where there is no simulated SES to send through."""
        ses = self._stage.ses
        if ses is None:
            return None
        return ClosedLoop(plan=self._plan, ses=ses, codec=codec, publisher=publisher, prefix=PREFIX)

    def _takes(self) -> dict[str, Take]:
        audit = self._audit
        takes: dict[str, Take] = {
            topic_name(PREFIX, "outcomes"): lambda _, value: audit.outcome(value),
            topic_name(PREFIX, "suppressions"): audit.suppression,
            topic_name(PREFIX, "dead-letters"): lambda _, value: audit.letter(value),
        }
        return takes if self._loop is None else self._loop.takes(takes)

    def _start(self, doing: str) -> None:
        self._stage.worker.start()
        self._started_at = time.monotonic()
        self._meter.restarted()
        if self._loop is not None:
            self._loop.restarted()
        self._look(doing)

    def _await_ready(self) -> None:
        for process in (self._stage.ses, self._stage.worker):
            while process is not None and not process.ready():
                if time.monotonic() - self._started_at > READY_S:
                    words = process.last_words()
                    raise WorldFailed(f"{process.name} was not ready after {READY_S:.0f} s; its log ends:\n{words}")
                self._look("the worker starts")
                time.sleep(TURN_S)
        self._meter.ready_at = self._moved_at = time.monotonic()

    def _turn(self) -> None:
        """Hand in a little, read a little, kill if it is time, and look."""
        due = self._pace.due(time.monotonic())
        if self._script.part < self._kills.gate:
            self._script.play(due)
        if self._may_read():
            self._outlet.read(TURN_S)
            if self._loop is not None:
                self._loop.turn(time.monotonic(), _now_ms(), self._kills.left)
        else:
            time.sleep(TURN_S)
        self._kill_if_due()
        self._look(self._doing())

    def _kill_if_due(self) -> None:
        """Kill the worker if it is time; one that stands upright is killed in mid-dispatch."""
        if self._kill is None:
            self._kill = self._kills.due(self._audit.outcomes_found, time.monotonic() - self._started_at)
            if self._kill is None:
                return
            if self._loop is not None and self._kill.rising is None:
                self._loop.storm(_now_ms())
        if self._loop is not None and self._kill.rising is None and not self._loop.in_mid_dispatch():
            return
        self._kill = None
        self._stage.worker.kill()
        self._start("killed without warning, and started again")

    def _may_read(self) -> bool:
        """Tell whether results are read now: not while the worker's speed is measured, unless it stands still."""
        return not self._plan.measured or self._meter.done is not None or self._still_s() > SETTLE_S

    def _still_s(self) -> float:
        """Return for how long nothing has moved."""
        return time.monotonic() - self._moved_at

    def _over(self) -> bool:
        """Tell whether it is over: all is handed in, nothing moves, and nothing is due or nothing more will come."""
        if not self._script.finished or self._kill is not None or self._still_s() < SETTLE_S or not self._may_read():
            return False
        if self._still_s() > self._plan.park_s + PATIENCE_S:
            return True
        looped = self._loop is None or (self._loop.finished and self._loop.complete(_now_ms()))
        if not (looped and self._audit.complete()):
            return False
        if self._complete_at is None:
            self._complete_at = time.monotonic()
        return time.monotonic() - self._complete_at >= self._plan.vigil_s

    def _doing(self) -> str:
        if not self._script.finished:
            return "the day goes on"
        missing = len(self._ledger.outcomes) - self._ledger.unmatched
        if self._audit.outcomes_found < missing:
            return "the worker catches up"
        if self._loop is not None and not self._loop.all_begun:
            return "requests go round"
        if self._loop is not None and not self._loop.complete(_now_ms()):
            return "retries come due, and what waits for something goes out"
        if self._complete_at is not None:
            return "all is there; nothing more may go out"
        return "the ledger is compared; what nobody told us of waits for its send"

    def _look(self, doing: str) -> None:
        """Look at the worker and show what there is, if it is time to."""
        now = time.monotonic()
        if now - self._looked_at < (SELDOM_S if self._plan.measured else LOOK_S):
            return
        self._looked_at = now
        worker = self._stage.worker
        worker.check()
        page = worker.page() if worker.pid is not None else None
        if page is not None:
            self._meter.look(now, page)
        if self._loop is not None:
            self._loop.look(now, page)
        self._expect()
        moved = self._audit.records_seen + self._meter.joined + (self._loop.records_seen if self._loop else 0)
        if moved != self._seen:
            self._seen, self._moved_at = moved, now
        self._screen.show(self._scene(doing, now))

    def _scene(self, doing: str, now: float) -> Scene:
        worker = self._stage.worker
        return replace(self._picture.take(doing, now, worker.pid), address=worker.url)

    def _expect(self) -> None:
        """Tell the meter when the day is done: by the worker's own counters, where only the day's records count."""
        if not self._script.finished:
            return
        matched = len(self._ledger.outcomes) - self._ledger.unmatched
        if self._loop is None or self._plan.measured:
            self._meter.expect(self._feeder.sends + self._feeder.events, matched)
        elif self._audit.outcomes_found >= matched:
            self._meter.expect(0, 0)

    def _result(self) -> Result:
        now, loop = time.monotonic(), self._loop
        self._meter.end(self._moved_at)
        return Result(
            scene=replace(self._scene("the show is over", now), over=True),
            verdict=self._audit.verdict(),
            speed=self._meter.speed(self._plan, self._feeder.sends + self._feeder.events),
            repeats=self._audit.seen.repeats,
            loop=None if loop is None else loop.ended(_now_ms()),
        )


def _now_ms() -> int:
    return int(time.time() * 1000)

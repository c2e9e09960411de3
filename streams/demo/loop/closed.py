"""The closed loop as one part of the show: hands requests in, reads what became of them, and says how far it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from streams.demo.gauges import Page
from streams.demo.loop.audit import LoopAudit
from streams.demo.loop.clerk import Clerk
from streams.demo.loop.ending import Looped
from streams.demo.loop.judgement import Delays, Judge
from streams.demo.loop.ledger import LoopLedger
from streams.demo.loop.requests import LOOP_DOMAIN, Requests
from streams.demo.loop.sent import Sent
from streams.demo.loop.ses import SimulatedSes
from streams.demo.outlet import Take
from streams.demo.plan import FIRST_RETRY_MS, RETRY_FACTOR, Plan
from streams.demo.scene import LoopScene
from streams.demo.script import Pace
from streams.emit.publish import Publisher
from streams.schemas.codec import Codec
from streams.topics import topic_name

SCHEMAS = {"send-requests": "mail.SendRequest", "instructions": "mail.Instruction"}
ASK_EVERY_S = 0.5
STORM, STORM_S = 64, 20.0
"""So many requests are handed in just before a kill, which waits so many seconds at most for the first to reach SES.

A worker that was killed a moment ago needs up to ten seconds until it works again.
"""
_OURS = LOOP_DOMAIN.encode()


class ClosedLoop:
    """One run of it.

    Args:
        plan: what is to be played.
        ses: the simulator, which runs.
        codec: reads and writes Avro.
        publisher: hands records in.
        prefix: of the topics' names.

    """

    def __init__(self, *, plan: Plan, ses: SimulatedSes, codec: Codec, publisher: Publisher, prefix: str) -> None:
        """Make everything ready; nothing is handed in yet."""
        self._plan, self._ses, self._codec, self._publisher, self._prefix = plan, ses, codec, publisher, prefix
        self._ledger = LoopLedger()
        self._audit = LoopAudit(self._ledger, codec)
        tales = Requests(count=plan.requests, seed=plan.seed, ledger=self._ledger).tales()
        self._clerk = Clerk(tales, ledger=self._ledger, seen=self._audit.seen, put=self._put)
        self._pace = Pace(plan.requests_per_s)
        self._storm_size = min(STORM, plan.requests // (2 * plan.kills)) if plan.kills else 0
        self._flushed = False
        self._mails, self._asked_at = 0, 0.0
        self._doubts = self._doubts_before = 0.0
        self._kills_in_dispatch = self._before_storm = 0
        self._storm_until = 0.0

    def takes(self, others: Mapping[str, Take]) -> dict[str, Take]:
        """Return who takes each topic's records: those about our people we do, the rest go to *others*."""
        audit = self._audit
        ours: dict[str, Take] = {
            "outcomes": lambda _, value: audit.outcome(value),
            "suppressions": audit.suppression,
            "loops": audit.loop,
            "waiting": audit.waiting,
        }
        named = {topic_name(self._prefix, role): _fork(take, _nobody) for role, take in ours.items()}
        named[topic_name(self._prefix, "retries")] = lambda _, value: audit.retry(value)
        for name, take in others.items():
            role = name.removeprefix(self._prefix)
            named[name] = _fork(ours[role], take) if role in ours else take
        return named

    def turn(self, at: float, now: int, kills_left: int) -> None:
        """Hand in what is due at *at* (monotonic seconds), *now* in ms; some are kept back for each kill to come."""
        kept = kills_left * self._storm_size
        room = self._plan.requests - self._ledger.handed_in - kept
        self._clerk.begin(min(self._pace.due(at), max(0, room)), now)
        self._clerk.follow_up(now)
        if self._clerk.finished and not self._flushed:
            self._flushed = True
            self._publisher.flush()

    def storm(self, now: int) -> None:
        """Hand in many at once: once the first of them has reached SES, many are under way."""
        self._before_storm, self._storm_until = self._ses.accepted_count() or 0, time.monotonic() + STORM_S
        self._clerk.begin(self._storm_size, now)
        self._publisher.flush()

    def in_mid_dispatch(self) -> bool:
        """Tell whether SES takes mails now, since the storm began; also, in the end, where it has waited in vain."""
        if (self._ses.accepted_count() or 0) > self._before_storm:
            self._kills_in_dispatch += 1
            return True
        return time.monotonic() > self._storm_until

    def look(self, at: float, page: Page | None) -> None:
        """Look at the simulator, if it is time to, and at what the worker's *page* says of doubts."""
        if page is not None:
            self._doubts = self._doubts_before + page.total("ses_doubts_total", result="doubted")
        if at - self._asked_at < ASK_EVERY_S:
            return
        self._asked_at = at
        self._ses.check()
        self._mails = self._ses.accepted_count() or self._mails

    def restarted(self) -> None:
        """Hear that a killed worker counts from nothing again."""
        self._doubts_before = self._doubts

    @property
    def all_begun(self) -> bool:
        """Tell whether every tale has begun."""
        return self._clerk.all_begun

    @property
    def finished(self) -> bool:
        """Tell whether every request has been handed in."""
        return self._clerk.finished

    @property
    def records_seen(self) -> int:
        """A number that grows with whatever comes out."""
        return self._audit.records_seen + self._ledger.handed_in

    def complete(self, now: int) -> bool:
        """Tell whether everything that is due has come out."""
        return self._audit.complete(now, roughly=self._plan.kills > 0)

    def scene(self, now: int) -> LoopScene:
        """Return how far it is *now* (ms since the epoch)."""
        return LoopScene(
            planned=self._plan.requests,
            asked=self._ledger.handed_in,
            mails=self._mails,
            waiting=self._audit.waiting_count,
            loops=len(self._audit.loops),
            due=len(self._ledger.lines),
            ends=Counter({end.value: count for end, count in self._audit.ends(now).items()}),
        )

    def ended(self, now: int) -> Looped:
        """Compare everything, with the simulator's own list too."""
        delays = Delays(first_ms=FIRST_RETRY_MS, factor=RETRY_FACTOR)
        return Looped(
            verdict=Judge(self._ledger, self._audit, Sent(self._ses.accepted()), delays).verdict(now),
            planned=self._plan.requests,
            requests=self._ledger.handed_in,
            repeats=self._ledger.repeats,
            doubts=round(self._doubts),
            kills_in_dispatch=self._kills_in_dispatch,
            in_doubt_bound=self._plan.in_doubt_bound,
        )

    def _put(self, role: str, key: str, record: dict[str, Any]) -> None:
        value = self._codec.encode(SCHEMAS[role], record)
        self._publisher.publish(topic_name(self._prefix, role), key.encode(), value)


def _fork(ours: Take, other: Take) -> Take:
    """Return a take that gives records about our people to us, by their key, which is the recipient."""

    def take(key: bytes | None, value: bytes | None) -> None:
        (ours if key is not None and key.endswith(_OURS) else other)(key, value)

    return take


def _nobody(_: bytes | None, __: bytes | None) -> None:
    """Take what is nobody's business here."""

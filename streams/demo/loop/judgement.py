"""How the closed loop is judged: what was due against what was seen, and against what the simulator has sent.

Pure: everything comes in. A line that was sent twice for one attempt (possible only where a worker was killed, and
counted against its bound) may end as delivered in place of the end that is due: its second mail found the mailbox in
another mood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from streams.demo.loop.audit import LoopAudit
from streams.demo.loop.ledger import Line, LineKey, LoopLedger
from streams.demo.loop.sent import Sent
from streams.demo.loop.tales import End

SOONEST = 0.8
"""A retry comes this part of its delay after the bounce at the earliest (docs/rules.md: 20 % up or down)."""
CLOCK_MS = 50
"""Times of SES's events and of its acceptance are cut to ms, and what is at one moment may lie a little apart."""
SETTLED_MS = 1_000
"""A request is surely behind another one if it was asked for so long before that one's last mail."""

Ended = tuple[End, int | None]
"""How a line has ended; where it waits, when it is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopVerdict:
    """How it ended: lines by their end; *lost* and *wrong* in words for people.

    sent_twice: mails more than one of the same request, attempt and recipient. held: requests that waited behind the
    retry of another one. earliest_due: of what waits, ms since the epoch.
    """

    due: int = 0
    ends: Counter[End]
    lost: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    sent: int = 0
    sent_twice: int = 0
    retries: int = 0
    held: int = 0
    loops: int = 0
    earliest_due: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long after a soft bounce the *first_ms* retry comes; each later one comes *factor* times later."""

    first_ms: int
    factor: int

    def least(self, retry: int) -> float:
        """Return how long after the bounce retry number *retry*, from 1, comes at the earliest, ms."""
        return self.first_ms * float(self.factor) ** (retry - 1) * SOONEST - CLOCK_MS


class Judge:
    """Holds one run's records against each other; ask it once, at the end."""

    def __init__(self, ledger: LoopLedger, audit: LoopAudit, sent: Sent, delays: Delays) -> None:
        """Take what there is."""
        self._ledger, self._audit, self._sent, self._delays = ledger, audit, sent, delays

    def verdict(self, now: int) -> LoopVerdict:
        """Say how it ended, as of *now* (ms since the epoch)."""
        lines = self._ledger.lines
        ended = {key: self._audit.end_of(key, now) for key in lines}
        found = {key: end for key, end in ended.items() if end is not None}
        lost = [f"{_words(key, lines[key])} has no end" for key, end in ended.items() if end is None]
        lost += [missing for key in found for missing in self._unsaid(key, lines[key])]
        wrong = [fault for key, end in found.items() for fault in self._faults(key, lines[key], end)]
        return LoopVerdict(
            due=len(lines),
            ends=Counter(end for end, _ in found.values()),
            lost=(*lost, *self._unmarked()),
            wrong=(*self._audit.strange, *wrong, *self._strangers(), *self._marks()),
            sent=self._sent.mails,
            sent_twice=self._sent.sent_twice,
            retries=self._sent.retries,
            held=sum(self._held(key, line) is not None for key, line in lines.items()),
            loops=len(self._audit.loops),
            earliest_due=min((at for _, at in found.values() if at is not None), default=None),
        )

    def _unsaid(self, key: LineKey, line: Line) -> Iterator[str]:
        """Yield the outcomes that are due and never came."""
        if not self._sent.twice(key):
            for said in sorted(line.due - self._audit.said.get(key, {}).keys()):
                yield f"{_words(key, line)}: {said.kind} of attempt {said.attempt} never came"

    def _faults(self, key: LineKey, line: Line, end: Ended) -> Iterator[str]:
        """Yield what is wrong about a line that has ended."""
        words, due, doubled = _words(key, line), line.fate, self._sent.twice(key) > 0
        if end[0] is not due.end and not (doubled and end[0] is End.DELIVERED):
            yield f"{words} ended {end[0]}; due: {due.end}"
        if end == (End.WAITING, None):
            yield f"{words} waits, and nobody says until when"
        if not doubled:
            for said in sorted(self._audit.said.get(key, {}).keys() - line.due):
                yield f"{words}: {said.kind} of attempt {said.attempt}, which is not due"
        for attempt in sorted(self._sent.of(key).keys() - set(range(1, due.mails + 1))):
            yield f"{words} was sent as attempt {attempt}; due: {due.mails} attempts"
        for attempt in sorted(attempt for attempt in self._audit.retries.get(key, ()) if attempt > due.mails):
            yield f"{words} was let go for attempt {attempt}; due: {due.mails} attempts"
        yield from self._mistimed(key, line)

    def _mistimed(self, key: LineKey, line: Line) -> Iterator[str]:
        """Yield what was sent too early."""
        words, mails = _words(key, line), self._sent.of(key)
        first = self._sent.first(key)
        if first is not None and line.not_before is not None and first < line.not_before - CLOCK_MS:
            yield f"{words} was sent {line.not_before - first:,} ms before its time"
        if self._sent.twice(key):
            return
        for said, at in self._audit.said.get(key, {}).items():
            if said.kind == "SOFT_BOUNCED" and said.attempt + 1 in mails:
                after = mails[said.attempt + 1][0] - at
                if after < self._delays.least(said.attempt):
                    yield f"{words}: retry {said.attempt} came {after:,} ms after the bounce, too early"
        held_until = self._held(key, line)
        if held_until is not None and first is not None and first < held_until - CLOCK_MS:
            yield f"{words} was not held: it went out before the retry that it had to wait for"

    def _held(self, key: LineKey, line: Line) -> int | None:
        """Return when the mail went out that this line had to wait for, None where it surely waited for none."""
        if line.behind is None or line.asked_at is None:
            return None
        until = self._sent.last(LineKey(line.behind, key.recipient))
        return until if until is not None and until > line.asked_at + SETTLED_MS else None

    def _strangers(self) -> Iterator[str]:
        """Yield mails that nobody asked for, and outcomes of mails that were not sent."""
        for key in self._sent.lines.keys() - self._ledger.lines.keys():
            yield f"a mail to {key.recipient} for request {key.request_id}, which did not ask for it"
        for mailed in self._audit.mailed - self._sent.known:
            key = mailed.key
            yield f"an outcome of request {key.request_id} for {key.recipient} names a mail that was not sent so"

    def _unmarked(self) -> Iterator[str]:
        """Yield whom we must not write to, or whose machine answers ours, and nobody noticed."""
        for person, reason in self._ledger.stops.items():
            if self._audit.stops.get(person) is None:
                yield f"{person} is not suppressed; due: {reason}"
        for person in self._ledger.loops - self._audit.loops:
            yield f"{person} is not flagged as a loop"

    def _marks(self) -> Iterator[str]:
        """Yield suppressions and flags that say something else than is due."""
        for person, record in self._audit.stops.items():
            due = self._ledger.stops.get(person)
            if record is not None and record["reason"] != due:
                yield f"{person} is suppressed ({record['reason']}); due: {due or 'nothing'}"
        answered_twice = {key.recipient for key in self._sent.lines if self._sent.twice(key)}
        for person in self._audit.loops - self._ledger.loops - answered_twice:
            yield f"{person} is flagged as a loop, and none is due"


def _words(key: LineKey, line: Line) -> str:
    told = "" if line.asked_at is not None else ", never handed in,"
    return f"{key.request_id} for {key.recipient} ({line.tale}){told}"

"""How fast: SES's rate and daily quota, counted in recipients, and how many calls are under way at a time.

Mails leave evenly spaced, a little below the rate, because SES counts by the second and a burst spends the next
second's room; and as a busy worker is never quite on time, each waits at the very last for its `departure`. Who cannot
go now gets a slot, a time at which to ask again: near slots are one mail's own, so the order is kept; what lies further
ahead is only an estimate, so that a changed rate or a stop is noticed. Where SES says "too fast" nevertheless, we go
slower and recover; where it says "not at all", the line rests and then one mail asks. Knows no clock and no mail; one
pace serves all partitions of a worker.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from streams.mail.letter import Quota
from streams.mail.policy import MINUTE

SECOND = 1_000
HORIZON = 2 * SECOND
"""How far ahead slots are given out (ms): what has one goes at the rate of that moment, whatever SES says meanwhile."""
FARTHEST = MINUTE
"""Who lies beyond the horizon asks again within this (ms), so that more room is used soon."""
EVENLY = 0.97
"""Part of SES's rate that we use: so many evenly spaced mails, and one more, fit into any second."""
SPARE = 25
"""How much longer than a second (ms) the mails of one second take to leave: their ways to SES differ by about that."""
FINE = 1_000
"""From this rate on mails are a millisecond apart, and whether one is late by that makes no difference."""
LATE = SECOND
"""A slot that is asked for this much too late (ms) is still good: a busy worker looks at its timers once a second."""
FALLBACK_RATE = 1.0
"""Recipients a second where SES does not say and no setting does: what SES allows in its sandbox."""
SLOWER, LEAST, REGAINED = 0.85, 0.05, 0.05
"""What "too fast" leaves of the rate, at the least, and what comes back each second."""
NO_LIMIT = -1.0


class Standing(NamedTuple):
    """The pace in numbers, for metrics; all are of this worker. *remaining* and *limit* are -1 where there is none."""

    rate: float
    remaining: float
    limit: float
    in_flight: int


class Pace:
    """Says whether a mail may go now, and else when to ask again. All times are ms since the epoch."""

    def __init__(self, rate: float | None = None, max_in_flight: int = 32) -> None:
        """Take the operator's limits: recipients a second of all workers together, and calls at a time of this one."""
        self._limit = rate
        self._max_in_flight = max_in_flight
        self._share = 1.0
        self._quota: Quota | None = None
        self._known = self._proven = False
        self._spent = self._in_flight = 0
        self._factor = 1.0
        self._adapted_at = self._slowed_at = self._stopped_until = 0
        self._next = self._tail = self._far = 0.0
        self._left: deque[float] = deque(maxlen=FINE)

    def take(self, recipients: int, now: int, *, queued: bool = False) -> bool:
        """Let a mail go now if there is room, and count it; who gets True calls `release` when the call is over.

        *queued* says that it had a slot, or waited for something else; who comes new does not overtake those.
        """
        if not self._open(now):
            return False
        saved = LATE if self._tail > now - LATE else self._saved()
        self._next = max(self._next, now - saved)
        if self._next > now:
            return False
        if not queued:
            free = max(self._tail, now - self._saved())
            if free > now:
                return False
            self._tail = free + self._cost(recipients, now)
        self._next += recipients * SECOND / self._steady()
        self._spent += recipients
        self._in_flight += 1
        return True

    def departure(self, recipients: int, now: int) -> int:
        """Return when a mail that was let go is to leave; asked once, right before the call.

        Of as many recipients as SES takes in a second, the first left a second ago: so it counts no more than those.
        """
        allowed = self._steady() / EVENLY
        most = max(int(allowed), 1)
        leaves = float(now)
        back = max(most - recipients + 1, 1)
        if most < FINE and back <= len(self._left):
            leaves = max(leaves, self._left[-back] + SECOND * most / allowed + SPARE)
        self._left.extend([leaves] * min(recipients, most))
        return int(leaves)

    def slot(self, recipients: int, now: int) -> int:
        """Return when to ask again; always later than *now*."""
        start = max(self._closed_until(now), now)
        if not self._known:
            return start
        if not self._proven and self._in_flight:
            start = max(start, now + SECOND)
        self._tail = max(self._tail, self._next, start)
        if self._tail - start <= HORIZON:
            found = self._tail
            self._tail += self._cost(recipients, now)
            return int(found) + 1
        self._far = max(self._far, start + HORIZON)
        if self._far - start > FARTHEST:
            return start + FARTHEST
        self._far += self._cost(recipients, now)
        return int(self._far) - HORIZON // 2

    def release(self) -> None:
        """Hear that a call is over."""
        self._in_flight -= 1

    def learned(self, quota: Quota | None, now: int) -> None:
        """Hear what SES allows; None where it does not say: then what was known, or the operator's rate, holds."""
        self._known = True
        if quota is None:
            return
        if not quota.sending:
            self.stop(now, now + 2 * MINUTE)
        elif self._quota is not None and not self._quota.sending:
            self._stopped_until = now
        if quota != self._quota:  # the same to the last recipient is an old answer, and what we sent since still counts
            self._quota, self._spent = quota, 0

    def throttled(self, now: int) -> None:
        """Hear that SES found us too fast; such answers are one until what follows from the first can show."""
        self._proven = True
        if now - self._slowed_at >= HORIZON:
            self._factor = max(self._adapted(now) * SLOWER, LEAST)
            self._slowed_at = self._adapted_at = now

    def accepted(self) -> None:
        """Hear that SES takes mails, or says why it does not take this one: the line is open."""
        self._proven = True

    def stop(self, now: int, until: int) -> bool:
        """Hear that SES takes nothing at all: nothing goes out until *until*, and then one mail asks.

        Return whether that is news: calls that were under way all say the same.
        """
        is_news = self._stopped_until <= now
        self._stopped_until = max(self._stopped_until, until, now)
        self._proven = False
        return is_news

    def share(self, part: float) -> None:
        """Hear which part of all work is this worker's, 0 to 1."""
        self._share = part

    def is_full(self, now: int) -> bool:
        """Tell whether more waits than can go before the horizon, so that no more should be taken in."""
        return self._closed_until(now) > now or self._tail - now > HORIZON

    def standing(self, now: int) -> Standing:
        """Return the pace in numbers."""
        quota = self._quota
        limit = NO_LIMIT if quota is None or quota.per_day < 0 else quota.per_day * self._share
        return Standing(self._steady() * self._adapted(now), self._remaining(), limit, self._in_flight)

    def _open(self, now: int) -> bool:
        """Tell whether the line is open, and has room for one more call; a line not proven has room for one."""
        room = self._max_in_flight if self._proven else 1
        return self._in_flight < room and self._closed_until(now) <= now

    def _closed_until(self, now: int) -> int:
        """Return until when nothing goes out, as far as that is known; a time that has passed where something does."""
        if not self._known or self._share <= 0:
            return now + SECOND
        if 0 <= self._remaining() < 1:
            return now + MINUTE
        return self._stopped_until

    def _remaining(self) -> float:
        """Return this worker's part of what SES takes today; what we have sent since it said so is taken off."""
        if self._quota is None or self._quota.per_day < 0:
            return NO_LIMIT
        return max((self._quota.per_day - self._quota.sent) * self._share - self._spent, 0.0)

    def _steady(self) -> float:
        """Return recipients a second of this worker, were SES never to say "too fast"."""
        allowed = [r for r in (None if self._quota is None else self._quota.per_second, self._limit) if r is not None]
        return max(min(allowed, default=FALLBACK_RATE) * self._share * EVENLY, LEAST / SECOND)

    def _saved(self) -> float:
        """Return how long (ms) room is saved up while nothing waits: what even spacing leaves unused in a second."""
        steady = self._steady()
        return max(steady / EVENLY - steady - 1, 0.0) * SECOND / steady

    def _adapted(self, now: int) -> float:
        """Return which part of the steady rate we go at, after what SES found too fast."""
        return min(self._factor + REGAINED * (now - self._adapted_at) / SECOND, 1.0)

    def _cost(self, recipients: int, now: int) -> float:
        """Return how long (ms) a mail takes up the line."""
        return recipients * SECOND / (self._steady() * self._adapted(now))

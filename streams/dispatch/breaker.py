"""When a stream pauses itself, before SES pauses the account: too many of its last mails bounced or were complained of.

Fed by what hop 1 counts, once that is durable. Each worker sees its own partitions by message id, a fair sample of
every stream, so each may judge by itself. Nothing is lost by a pause: what is paused waits. An operator's pause is
never lifted here, and when an operator lifts ours, the stream begins anew.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

from streams.emit.records import scrub
from streams.mail.policy import BreakerPolicy
from streams.observe.provider import provider_of
from streams.observe.ratios import BAD, Rated, added, rated

log = logging.getLogger(__name__)

US = "ses-streams"
BOUNCES, COMPLAINTS = "bounce_ratio", "complaint_ratio"
BUCKETS = 24
"""Parts of the window that fall out one by one."""
FALLEN = 0.75
"""Part of the line below which a stream goes on: at the line itself it would pause and go on by turns."""
CHECK = 1_000
"""The ratios are looked at so often (ms)."""


class Bucket(NamedTuple):
    """What was counted in one part of the window, which begins at *since* (ms)."""

    since: int
    counted: Rated = Rated()


class Pause(NamedTuple):
    """A stream that is to pause: *bad* of *sends* bounced or were complained of."""

    because: str
    bad: int
    sends: int


@dataclass(slots=True)
class Window:
    """The last sends of one stream."""

    buckets: deque[Bucket] = field(default_factory=deque)

    def add(self, since: int, more: Rated) -> None:
        """Count into the bucket that begins at *since*."""
        if not self.buckets or self.buckets[-1].since != since:
            self.buckets.append(Bucket(since))
        self.buckets[-1] = Bucket(since, added(self.buckets[-1].counted, more))

    def judge(self, policy: BreakerPolicy, now: int, part: float = 1.0) -> Pause | None:
        """Return why the stream must pause; None where it need not. *part* of the lines counts."""
        while self.buckets and self.buckets[0].since <= now - policy.window:
            self.buckets.popleft()
        sends, bounced, complained = reduce(added, (bucket.counted for bucket in self.buckets), Rated())
        if sends < policy.min_sends:
            return None
        if bounced >= policy.bounce_ratio * part * sends:
            return Pause(BOUNCES, bounced, sends)
        if complained >= policy.complaint_ratio * part * sends:
            return Pause(COMPLAINTS, complained, sends)
        return None


Standing = Mapping[str, Mapping[str, Any]]
"""Stream to the mail.Pause that the table of pauses has for it, whoever made it."""


class Breaker:
    """Counts for each stream, and says when it must pause and when it may go on."""

    def __init__(self, policy: BreakerPolicy) -> None:
        """Begin without any count."""
        self._policy = policy
        self._windows: dict[str, Window] = {}
        self._raised: dict[str, bool] = {}
        self._met: set[str] = set()
        self._lifted: dict[str, int] = {}
        self._checked_at = 0

    def saw(self, counts: Mapping[tuple[str, ...], int], now: int) -> None:
        """Take what a chunk counted, in the form of `Effects.counts`; most of it says nothing here."""
        sums: dict[str, Rated] = {}
        for key, count in counts.items():
            if key[0] == "ses_outcomes_total":
                if key[2] not in BAD:
                    continue  # before anything is made of it: a chunk names thousands of domains
                key = (*key[:-1], provider_of(key[-1]))  # noqa: PLW2901 - as it is exported
            found = rated(key[0], key[1:], count)
            if found is not None:
                stream, more = found
                sums[stream] = added(sums.get(stream, Rated()), more)
        since = now - now % max(self._policy.window // BUCKETS, 1)
        for stream, sum_of in sums.items():
            if any(sum_of):
                self._windows.setdefault(stream, Window()).add(since, sum_of)

    def met(self, stream: str) -> None:
        """Hear that mails of *stream* wait for a pause: it may be ours, from before a restart."""
        self._met.add(stream)

    def holds(self, stream: str) -> bool:
        """Tell whether we have paused *stream*, whether or not the table says so yet."""
        return stream in self._raised

    def paused(self) -> list[str]:
        """Return the streams that are paused as far as dispatch has met them."""
        return sorted({*self._raised, *self._met})

    def changes(self, ask: Callable[[Iterable[str]], Standing], now: int) -> dict[str, Pause | None]:
        """Return the streams that must pause now, and with None those that go on; *ask* gives the standing pauses."""
        if now - self._checked_at < CHECK:
            return {}
        self._checked_at = now
        streams = {*self._windows, *self._raised, *self._met}
        standing = {name: pause for name, pause in ask(streams).items() if not _is_past(pause, now)} if streams else {}
        self._met &= standing.keys()
        found = {stream: self._change(stream, standing.get(stream), now) for stream in sorted(streams)}
        self._windows = {stream: window for stream, window in self._windows.items() if window.buckets}
        return {stream: change for stream, (is_one, change) in found.items() if is_one}

    def _change(self, stream: str, pause: Mapping[str, Any] | None, now: int) -> tuple[bool, Pause | None]:
        """Return whether a stream's pause changes, and to what."""
        window = self._windows.setdefault(stream, Window())
        ours = pause is not None and pause["by"] == US
        if stream in self._raised:
            return self._hold(stream, window, pause, now, ours=ours)
        over = window.judge(self._policy, now)
        if over is not None and pause is None:
            log.warning("stream %s pauses itself: %s, %d of %d", scrub(stream), over.because, over.bad, over.sends)
            self._raised[stream] = False
            return True, over
        # ours from before a restart: nobody remembers why, but what it rested on is past
        if pause is not None and ours and over is None and pause["since"] <= now - self._policy.window:
            return self._lift(stream, pause["since"])
        return False, None

    def _hold(
        self, stream: str, window: Window, pause: Mapping[str, Any] | None, now: int, *, ours: bool
    ) -> tuple[bool, Pause | None]:
        """Return whether a pause of ours ends."""
        if pause is not None and not ours:  # an operator's now
            del self._raised[stream]
        elif pause is None and self._raised[stream]:
            log.warning("stream %s goes on: somebody lifted our pause", scrub(stream))
            del self._raised[stream], self._windows[stream]
        else:
            self._raised[stream] = ours
            if pause is not None and window.judge(self._policy, now, FALLEN) is None:
                return self._lift(stream, pause["since"])
        return False, None

    def _lift(self, stream: str, since: int) -> tuple[bool, Pause | None]:
        """Let a stream go on; said once of a pause, for the table may be slow to hear of it."""
        self._raised.pop(stream, None)
        self._met.discard(stream)
        if self._lifted.get(stream) == since:
            return False, None
        self._lifted[stream] = since
        log.warning("stream %s goes on: its ratios have fallen", scrub(stream))
        return True, None


def _is_past(pause: Mapping[str, Any], now: int) -> bool:
    """Tell whether a pause has ended by itself."""
    return pause["until"] is not None and pause["until"] <= now

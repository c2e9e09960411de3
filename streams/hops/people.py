"""The standings of one chunk: each fact meets the standing of its recipient, and what follows is said at the end.

Made for a chunk and thrown away after it. A delivery to somebody of whom nothing else is known stays bytes; a standing
is opened where the rules must be asked, and closed once, when all facts of the chunk have been heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.decide.instruction import Action, obey
from streams.decide.loops import note_reply
from streams.decide.marks import weigh
from streams.decide.retry import consider
from streams.decide.suppression import bars, next_change
from streams.decide.turn import next_turn
from streams.emit.taking import Taken
from streams.hops.announce import Announcer
from streams.hops.instruction_reading import Word
from streams.hops.outcome_reading import Fact, OutcomeReading
from streams.hops.retries import Retries
from streams.mail.policy import Policy
from streams.mail.standing import NEVER, MarkKind, Standing
from streams.pipeline import Effects, Recall
from streams.state.standings import delivered, pack_standing, quiet_since, unpack_standing

if TYPE_CHECKING:
    from ses_streams_kernel import People as ShortWay


class Tools(NamedTuple):
    """What the hop has made ready once: who reads, who speaks, who lets retries go, and by which numbers."""

    outcomes: OutcomeReading
    announcer: Announcer
    retries: Retries
    policy: Policy


class People:
    """How the recipients of a chunk stand."""

    def __init__(self, tools: Tools, effects: Effects, now: int) -> None:
        """Begin with nobody; what follows goes into *effects*."""
        self._effects = effects
        self._reading, self._announcer, self._retries, self._policy = tools
        self.now = now
        self._stored: dict[bytes, bytes | None] = {}
        self._open: dict[bytes, Standing] = {}
        self._asked: set[bytes] = set()
        self._between: defaultdict[bytes, list[Standing]] = defaultdict(list)
        self._looks: defaultdict[int, list[bytes]] = defaultdict(list)

    def recall(self, keys: Sequence[bytes], recall: Recall) -> None:
        """Read the standings of *keys*, once."""
        unique = list(dict.fromkeys(keys))
        self._stored = dict(zip(unique, recall(unique), strict=True))

    def obey(self, word: Word) -> None:
        """Hear one instruction."""
        self._note(word.key)
        self._open[word.key] = obey(self._standing(word.key), word.instruction, self.now)
        if word.instruction["action"] == Action.RELEASE:
            self._asked.add(word.key)

    def hear(self, fact: Fact) -> None:
        """Hear one outcome; Unusable where it is torn behind its beginning, and then nothing has changed."""
        key = fact.key
        if fact.outcome is None and key not in self._open:
            value = self._effects.writes.get(key) or self._stored[key]
            bare = delivered(value, fact.at, self.now)
            if bare is not None:
                self._effects.writes[key] = bare
                return
        self._note(key)
        self._open[key] = self._heard(self._standing(key), fact)

    def hear_by(
        self, short: ShortWay, scan: Any, taken: Taken[Fact], values: list[bytes | None], slow: Callable[[int], None]
    ) -> None:
        """Hear outcomes one after another, plain deliveries by the short way, the others by *slow*."""
        short.take(
            scan, taken.places, taken.said, values, self._open, self._stored, self._effects.writes, self.now, slow
        )

    def _note(self, key: bytes) -> None:
        """Remember how somebody stood between two facts: a shorter chunk would have ended there."""
        known = self._open.get(key)
        if known is not None:
            self._between[key].append(known)

    def settle(self) -> None:
        """Say what follows for everybody of whom something was heard, and say when to look again."""
        forget_at = self.now + self._policy.suppression.forget
        for key, standing in self._open.items():
            value = self._stored[key]
            before = Standing(self.now) if value is None else unpack_standing(value)
            after, ends = self._follow(key, before, standing)
            self._effects.writes[key] = pack_standing(after)
            if ends is not None and ends != before.look_at:
                self._looks[ends].append(key)
            if before.announced and not after.announced:  # nobody looks at one who is suppressed for good
                self._looks[forget_at].append(key)
        fresh = [key for key in self._effects.writes if self._stored[key] is None]
        if fresh:
            self._looks[forget_at] += fresh
        self._effects.wake = list(self._looks.items())

    def look(self, keys: Sequence[bytes], recall: Recall) -> None:
        """Look at *keys* again: let go what is due, end what is over, forget those of whom nothing is left."""
        self.recall(keys, recall)
        for key, value in self._stored.items():
            if value is not None:
                self._look_at(key, value)
        self._effects.wake = list(self._looks.items())

    def _look_at(self, key: bytes, value: bytes) -> None:
        """Look at one recipient; most are only to be forgotten one day, which needs no rule."""
        standing, ends, quiet = None, None, quiet_since(value)
        if quiet is None:
            before = unpack_standing(value)
            standing, ends = self._follow(key, before, before)
            quiet = _quiet_since(standing) if ends is None else None
        look = ends if quiet is None else quiet + self._policy.suppression.forget
        if quiet is not None and look is not None and look <= self.now:
            self._effects.writes[key] = None
            return
        if look is not None:
            self._looks[look].append(key)
        after = value if standing is None else pack_standing(standing)
        if after != value:
            self._effects.writes[key] = after

    def _standing(self, key: bytes) -> Standing:
        """Return the standing of *key* as it is now."""
        known = self._open.get(key)
        if known is not None:
            return known
        value = self._effects.writes.get(key) or self._stored[key]
        return Standing(self.now) if value is None else unpack_standing(value)

    def _heard(self, standing: Standing, fact: Fact) -> Standing:
        """Return the standing after one outcome, as all rules see it."""
        outcome, reply = self._reading.whole(fact), self._reading.reply(fact)
        self._retries.count_exhausted(standing, outcome, self._effects)
        standing = weigh(standing, outcome, fact.mark, self.now)
        if reply is not None:
            standing = note_reply(standing, reply, self._policy.loops)
        return consider(standing, outcome, self._policy.retry)

    def _follow(self, key: bytes, before: Standing, standing: Standing) -> tuple[Standing, int | None]:
        """Say what follows from a standing; return it after that, and when (ms) something about it ends by itself."""
        effects, now = self._effects, self.now
        wavers = self._announcer.wavers(key, (*self._between.get(key, ()), standing), now)
        anew = key in self._asked or wavers.suppression
        standing, suppression = self._announcer.suppression(key, standing, effects, now, anew=anew)
        standing, flag = self._announcer.loop(key, standing, effects, now, anew=wavers.loop)
        turn = self._retries.let_go(key, standing, lambda s: flag is not None or bars(suppression, s), effects, now)
        self._retries.count(before, turn, effects)
        standing = self._announcer.waiting(key, turn.standing, effects, anew=wavers.waiting)
        ends = (
            next_change(standing, suppression, now),
            None if flag is None else flag.until,
            next_turn(standing, self._policy.retry),
        )
        look = min((end for end in ends if end is not None), default=None)
        look_at = NEVER if look is None else look
        return (standing if look_at == standing.look_at else standing._replace(look_at=look_at)), look


def _quiet_since(standing: Standing) -> int | None:
    """Return since when (ms) nothing was heard of a recipient; None where something holds for good."""
    only_soft = all(mark.kind == MarkKind.SOFT_BOUNCE for mark in standing.marks)
    return standing.touched_at if only_soft and not standing.announced else None

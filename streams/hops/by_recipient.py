"""Hop 2, by recipient: outcomes add up to a standing, and a standing says whether we may write.

Most outcomes are deliveries to people against whom nothing is known; they only move one time in a value of fixed
size, so they are read no further than the recipient and never become objects. Everything else asks the rules.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from streams.decide.marks import weigh
from streams.errors import Unusable
from streams.hops.announce import REASONS, Announcer
from streams.hops.dead import DeadLetters, check_key
from streams.hops.outcome_reading import Fact, OutcomeReading
from streams.mail.deadletter import Stage
from streams.mail.policy import SuppressionPolicy
from streams.mail.standing import MarkKind, Standing
from streams.pipeline import Chunk, Effects, Recall, Stopwatch
from streams.schemas.codec import Codec
from streams.state.standings import announced_reason, delivered, pack_standing, unpack_standing


class ByRecipient:
    """Keep how each recipient stands, by recipient, and say whom not to write to."""

    name = "by_recipient"

    def __init__(self, codec: Codec, policy: SuppressionPolicy, names: Mapping[str, str] | None = None) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters."""
        self._policy = policy
        self._reading = OutcomeReading(codec)
        self._announcer = Announcer(codec, policy)
        self._dead = DeadLetters(codec, Stage.BY_RECIPIENT, names or {})

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of outcomes leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        watch = Stopwatch(effects.steps)
        facts = self._read(chunk, effects, now)
        watch.mark("decode")
        unique = list(dict.fromkeys(fact.key for _, fact in facts))
        stored = dict(zip(unique, recall(unique), strict=True))
        watch.skip()
        writes: dict[bytes, bytes | None] = {}
        looks: defaultdict[int, list[bytes]] = defaultdict(list)
        forget_at = now + self._policy.forget
        for index, fact in facts:
            value = writes.get(fact.key) or stored[fact.key]
            try:
                writes[fact.key] = self._take(fact, value, effects, looks, now)
            except Unusable as why:  # torn behind the part that says whom it is about
                self._dead.add(effects, chunk, index, why, now)
                continue
            if value is None:
                looks[forget_at].append(fact.key)
        effects.writes = writes
        effects.wake = list(looks.items())
        watch.mark("decide")
        return effects

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Let go whose time is over, and forget those of whom there is nothing to remember."""
        effects = Effects()
        looks: defaultdict[int, list[bytes]] = defaultdict(list)
        unique = list(dict.fromkeys(keys))
        for key, value in zip(unique, recall(unique), strict=True):
            if value is None:
                continue
            standing, ends = self._announcer.announce(key, unpack_standing(value), effects, now)
            if ends is None and self._forgettable(standing, now):
                effects.writes[key] = None
                continue
            self._look_again(key, standing, ends, looks)
            after = pack_standing(standing)
            if after != value:
                effects.writes[key] = after
        effects.wake = list(looks.items())
        return effects

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]]:
        """Return how many of these standings are announced as suppressed, by reason."""
        said = Counter(filter(None, map(announced_reason, values)))
        return Counter({("ses_suppressions", REASONS[number]): count for number, count in said.items()})

    def _read(self, chunk: Chunk, effects: Effects, now: int) -> list[tuple[int, Fact]]:
        """Return the outcomes that say something about a person, with their places; the unusable are dead letters."""
        facts = []
        for index, value in enumerate(chunk.values):
            try:
                check_key(chunk.keys[index])
                fact = self._reading.read(value)
            except Unusable as why:
                self._dead.add(effects, chunk, index, why, now)
                continue
            if fact is not None:
                facts.append((index, fact))
        return facts

    def _take(
        self, fact: Fact, value: bytes | None, effects: Effects, looks: defaultdict[int, list[bytes]], now: int
    ) -> bytes:
        """Return the stored standing after one outcome."""
        if fact.outcome is None:
            bare = delivered(value, fact.at, now)
            if bare is not None:
                return bare
        standing = Standing(now) if value is None else unpack_standing(value)
        standing = weigh(standing, self._reading.whole(fact), fact.mark, now)
        standing, ends = self._announcer.announce(fact.key, standing, effects, now)
        if ends is not None:
            looks[ends].append(fact.key)
        return pack_standing(standing)

    def _forgettable(self, standing: Standing, now: int) -> bool:
        """Tell whether nothing about a recipient needs to be remembered."""
        only_soft = all(mark.kind == MarkKind.SOFT_BOUNCE for mark in standing.marks)
        return only_soft and not standing.announced and now >= standing.touched_at + self._policy.forget

    def _look_again(
        self, key: bytes, standing: Standing, ends: int | None, looks: defaultdict[int, list[bytes]]
    ) -> None:
        """Say when to look at a standing again; one that holds for good needs no look."""
        if ends is not None:
            looks[ends].append(key)
        elif not standing.announced and all(mark.kind == MarkKind.SOFT_BOUNCE for mark in standing.marks):
            looks[standing.touched_at + self._policy.forget].append(key)

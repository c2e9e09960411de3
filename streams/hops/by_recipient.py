"""Hop 2, by recipient: outcomes and operators' words add up to a standing, and a standing says what may be done.

Most outcomes are deliveries to people of whom nothing else is known; they only move one time in a value of fixed size,
so they are read no further than the recipient and never become objects. Everything else asks the rules, fact by fact;
what follows is said once a chunk (people.py), so that a bounce and the auto-reply behind it are heard together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from streams.emit.dead import DeadLetters
from streams.emit.rekey import Keyed, Rekeying
from streams.errors import Unusable
from streams.hops.announce import REASONS, Announcer
from streams.hops.instruction_reading import InstructionReading
from streams.hops.outcome_reading import OutcomeReading
from streams.hops.people import People, Tools
from streams.hops.retries import Retries
from streams.mail.deadletter import Stage
from streams.mail.policy import Policy
from streams.pipeline import Chunk, Effects, Recall, Stopwatch
from streams.schemas.codec import Codec
from streams.state.standings import announced_reason, is_flagged, pending_retries, quiet_since

T = TypeVar("T", bound=Keyed)


class ByRecipient:
    """Keep how each recipient stands, by recipient, and say whom not to write to and what to send again."""

    name = "by_recipient"

    def __init__(self, codec: Codec, policy: Policy, names: Mapping[str, str] | None = None) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters."""
        self._instructions = InstructionReading(codec)
        self._outcomes = OutcomeReading(codec)
        self._tools = Tools(self._outcomes, Announcer(codec, policy), Retries(codec, policy.retry), policy)
        self._dead = DeadLetters(codec, Stage.BY_RECIPIENT, names or {})
        self._rekeying = Rekeying(self._dead, names or {})

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of outcomes or of instructions leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        watch = Stopwatch(effects.steps)
        people = People(self._tools, effects, now)
        if chunk.topic == "instructions":
            _, words = self._read(self._instructions.read, chunk, effects, now)
            watch.mark("decode")
            people.recall([word.key for word in words], recall)
            watch.skip()
            for word in words:
                people.obey(word)
        else:
            places, facts = self._read(self._outcomes.read, chunk, effects, now)
            watch.mark("decode")
            people.recall([fact.key for fact in facts], recall)
            watch.skip()
            for index, fact in zip(places, facts, strict=True):
                try:
                    people.hear(fact)
                except Unusable as why:  # torn behind the part that says whom it is about
                    self._dead.add(effects, chunk, index, why, now)
        people.settle()
        watch.mark("decide")
        return effects

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Let go whose time has come, and forget those of whom there is nothing to remember."""
        effects = Effects()
        watch = Stopwatch(effects.steps)
        People(self._tools, effects, now).look(keys, recall)
        watch.mark("wake")
        return effects

    def looks(self, values: Sequence[bytes], now: int) -> list[int]:
        """Return when (ms) to look at each of these standings again: at once where more than quiet is known of it."""
        forget, since = self._tools.policy.suppression.forget, map(quiet_since, values)
        return [now if quiet is None else quiet + forget for quiet in since]

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]]:
        """Return what these standings add to the gauges: suppressions by reason, loops, retries that wait."""
        said = Counter(filter(None, map(announced_reason, values)))
        found = Counter[tuple[str, ...]]()
        found.update({("ses_suppressions", REASONS[number]): count for number, count in said.items()})
        found["ses_loops",] = sum(map(is_flagged, values))
        found["ses_retries_pending",] = sum(map(pending_retries, values))
        return +found

    def _read(
        self, read: Callable[[bytes | None], T | None], chunk: Chunk, effects: Effects, now: int
    ) -> tuple[Sequence[int], list[T]]:
        """Return the facts that say something about a person, and their places; the unusable are dead letters.

        What lies on another partition than its recipient's is sent on.
        """
        places, facts = [], []
        for index, value in enumerate(chunk.values):
            try:
                fact = read(value)
            except Unusable as why:
                self._dead.add(effects, chunk, index, why, now)
                continue
            if fact is not None:
                places.append(index)
                facts.append(fact)
        return self._rekeying.here(effects, chunk, places, facts, now)

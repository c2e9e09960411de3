"""Hop 2, by recipient: outcomes and operators' words add up to a standing, and a standing says what may be done.

Most outcomes are deliveries to people of whom nothing else is known; they only move one time in a value of fixed size,
so they are read no further than the recipient and never become objects. Everything else asks the rules, fact by fact;
what follows is said once a chunk (people.py), so that a bounce and the auto-reply behind it are heard together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from streams.emit.dead import DeadLetters
from streams.emit.rekey import Rekeying
from streams.emit.taking import Taking
from streams.errors import Unusable
from streams.hops.announce import REASONS, Announcer
from streams.hops.compiled import short_people
from streams.hops.instruction_reading import InstructionReading
from streams.hops.outcome_reading import OutcomeReading
from streams.hops.people import People, Tools
from streams.hops.retries import Retries
from streams.mail.deadletter import Stage
from streams.mail.policy import Policy
from streams.pipeline import Chunk, Effects, Recall, Stopwatch
from streams.schemas.codec import Codec
from streams.state.standings import announced_reason, is_flagged, pending_retries, quiet_since


class ByRecipient:
    """Keep how each recipient stands, by recipient, and say whom not to write to and what to send again."""

    name = "by_recipient"

    def __init__(
        self, codec: Codec, policy: Policy, names: Mapping[str, str] | None = None, *, compiled: bool = True
    ) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters.

        *compiled*: take the compiled short way where it is installed.
        """
        self._instructions = InstructionReading(codec)
        self._outcomes = OutcomeReading(codec)
        self._tools = Tools(self._outcomes, Announcer(codec, policy), Retries(codec, policy.retry), policy)
        self._dead = DeadLetters(codec, Stage.BY_RECIPIENT, names or {})
        self._taking = Taking(self._dead, Rekeying(self._dead, names or {}))
        self._short = short_people(codec, self._outcomes) if compiled else None

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of outcomes or of instructions leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        watch = Stopwatch(effects.steps)
        people = People(self._tools, effects, now)
        if chunk.topic == "instructions":
            words = self._taking.take(self._instructions.read, chunk, effects, now)
            watch.mark("decode")
            people.recall(words.keys, recall)
            watch.skip()
            for place in words.places:
                people.obey(words.facts[place])
        else:
            self._hear(people, chunk, effects, recall, watch)
        people.settle()
        watch.mark("decide")
        return effects

    def _hear(self, people: People, chunk: Chunk, effects: Effects, recall: Recall, watch: Stopwatch) -> None:
        """Hear a chunk of outcomes."""
        scan, keys = self._short.scan(chunk.values) if self._short else (None, None)
        taken = self._taking.take(self._outcomes.read, chunk, effects, people.now, keys)
        watch.mark("decode")
        people.recall(taken.keys, recall)
        watch.skip()

        def hear(place: int) -> None:
            fact = taken.facts.get(place) or self._outcomes.read(chunk.values[place])
            try:
                if fact is not None:
                    people.hear(fact)
            except Unusable as why:  # torn behind the part that says whom it is about
                self._dead.add(effects, chunk, place, why, people.now)

        if self._short is None:
            for place in taken.places:
                hear(place)
        else:
            people.hear_by(self._short, scan, taken, chunk.values, hear)

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

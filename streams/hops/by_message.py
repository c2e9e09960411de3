"""Hop 1, by message id: every send is joined with what became of it, and each recipient gets an outcome.

Sends and SES's feedback meet here in one table of lives. Where feedback names a request of which dispatch may be in
doubt, or says that a machine answered one, a settlement goes out under the request's id. This file takes a chunk
through the stages (decode, recall, decide, encode); join.py asks the rules about each record. Nothing here touches a
broker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.decide import lifecycle
from streams.emit.dead import DeadLetters
from streams.emit.outcome import OutcomeWriter
from streams.emit.rekey import Rekeying
from streams.emit.taking import Taking
from streams.hops.compiled import short_join
from streams.hops.join import Join
from streams.hops.reading import Reading
from streams.mail.deadletter import Stage
from streams.mail.policy import JoinPolicy
from streams.pipeline import Chunk, Effects, Recall, Stopwatch
from streams.schemas.codec import Codec
from streams.state.lives import looked_at


class ByMessage:
    """Join every send with what became of it, by message id."""

    name = "by_message"

    def __init__(
        self, codec: Codec, policy: JoinPolicy, names: Mapping[str, str] | None = None, *, compiled: bool = True
    ) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters.

        *compiled*: take the compiled short way where it is installed.
        """
        self._policy = policy
        self._reading = Reading(codec)
        self._writer = OutcomeWriter(codec)
        dead = DeadLetters(codec, Stage.BY_MESSAGE, names or {})
        self._taking = Taking(dead, Rekeying(dead, names or {}))
        self._short = short_join(codec, self._reading) if compiled else None

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of sends or of feedback leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        watch = Stopwatch(effects.steps)
        join = Join(effects, self._reading, self._policy, now)
        if chunk.topic == "sends":
            self._sends(join, chunk, effects, recall, watch)
        else:
            self._events(join, chunk, effects, recall, watch)
        watch.mark("decide")
        join.write(self._writer)
        watch.mark("encode")
        return effects

    def _sends(self, join: Join, chunk: Chunk, effects: Effects, recall: Recall, watch: Stopwatch) -> None:
        scan, keys = self._short.sends.scan(chunk.keys, chunk.values) if self._short else (None, None)
        taken = self._taking.take(self._reading.send, chunk, effects, join.now, keys)
        watch.mark("decode")
        join.recall(taken.keys, recall)
        watch.skip()
        if self._short is None:
            for place in taken.places:
                join.send(taken.facts[place])
        else:
            join.sends_by(self._short.sends, scan, taken, chunk.values)

    def _events(self, join: Join, chunk: Chunk, effects: Effects, recall: Recall, watch: Stopwatch) -> None:
        scan, keys = self._short.events.scan(chunk.keys, chunk.values) if self._short else (None, None)
        taken = self._taking.take(self._reading.feedback, chunk, effects, join.now, keys)
        watch.mark("decode")
        join.recall(taken.keys, recall)
        watch.skip()
        if self._short is None:
            for place in taken.places:
                join.feedback(taken.facts[place])
        else:
            join.events_by(self._short.events, scan, taken, chunk.values)

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Let go what has waited long enough, count what stays silent, forget what is over."""
        effects = Effects()
        watch = Stopwatch(effects.steps)
        join = Join(effects, self._reading, self._policy, now)
        join.look([*dict.fromkeys(keys)], recall)
        join.write(self._writer)
        watch.mark("wake")
        return effects

    def looks(self, values: Sequence[bytes], now: int) -> list[int]:
        """Return when (ms) to look at each of these lives again."""
        del now
        return [lifecycle.next_look(looked_at(value), self._policy) for value in values]

    def census(self, values: Sequence[bytes]) -> None:
        """Say that no gauge counts lives, so that nobody reads them all."""

"""Hop 1, by message id: every send is joined with what became of it, and each recipient gets an outcome.

Sends and SES's feedback meet here in one table of lives. Where feedback names a request of which dispatch may be in
doubt, or says that a machine answered one, a settlement goes out under the request's id. This file takes a chunk
through the stages (decode, recall, decide, encode); join.py asks the rules about each record. Nothing here touches a
broker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from streams.decide import lifecycle
from streams.emit.dead import DeadLetters
from streams.emit.outcome import OutcomeWriter
from streams.emit.rekey import Keyed, Rekeying, places_of
from streams.errors import Unusable
from streams.hops.join import Join
from streams.hops.reading import Reading
from streams.mail.deadletter import Stage
from streams.mail.policy import JoinPolicy
from streams.pipeline import Chunk, Effects, Recall, Stopwatch
from streams.schemas.codec import Codec
from streams.state.lives import looked_at

T = TypeVar("T", bound=Keyed)


class ByMessage:
    """Join every send with what became of it, by message id."""

    name = "by_message"

    def __init__(self, codec: Codec, policy: JoinPolicy, names: Mapping[str, str] | None = None) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters."""
        self._policy = policy
        self._reading = Reading(codec)
        self._writer = OutcomeWriter(codec)
        self._dead = DeadLetters(codec, Stage.BY_MESSAGE, names or {})
        self._rekeying = Rekeying(self._dead, names or {})

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of sends or of feedback leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        watch = Stopwatch(effects.steps)
        join = Join(effects, self._reading, self._policy, now)
        if chunk.topic == "sends":
            sends = self._read(self._reading.send, chunk, effects, now)
            watch.mark("decode")
            join.recall([said.key for said in sends], recall)
            watch.skip()
            for send in sends:
                join.send(send)
        else:
            events = self._read(self._reading.feedback, chunk, effects, now)
            watch.mark("decode")
            join.recall([said.key for said in events], recall)
            watch.skip()
            for event in events:
                join.feedback(event)
        watch.mark("decide")
        join.write(self._writer)
        watch.mark("encode")
        return effects

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

    def _read(self, read: Callable[[bytes | None], T], chunk: Chunk, effects: Effects, now: int) -> list[T]:
        """Return what can be read of a chunk and belongs here; what cannot be read becomes dead letters."""
        facts, unusable = [], set()
        for index, value in enumerate(chunk.values):
            try:
                facts.append(read(value))
            except Unusable as why:
                self._dead.add(effects, chunk, index, why, now)
                unusable.add(index)
        return self._rekeying.here(effects, chunk, places_of(chunk, unusable), facts, now)[1]

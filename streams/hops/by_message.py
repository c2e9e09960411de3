"""Hop 1, by message id: every send is joined with what became of it, and each recipient gets an outcome.

Sends and SES's feedback meet here in one table of lives. The rules are in streams/decide; this room reads a chunk,
asks them about each record in turn, and gathers what is to be emitted, kept and counted. It touches no broker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from streams.decide import lifecycle
from streams.errors import Unusable
from streams.hops.dead import DeadLetters
from streams.hops.outcomes import Outcomes
from streams.hops.reading import Reading, SaidFeedback, SaidSend
from streams.hops.table import Lives
from streams.mail.deadletter import Stage
from streams.mail.feedback import FeedbackKind
from streams.mail.life import Life
from streams.mail.policy import JoinPolicy
from streams.pipeline import Chunk, Effects, Recall
from streams.schemas.codec import Codec
from streams.state.lives import pack_life, unpack_life

T = TypeVar("T")


class ByMessage:
    """Join every send with what became of it, by message id."""

    name = "by_message"

    def __init__(self, codec: Codec, policy: JoinPolicy, names: Mapping[str, str] | None = None) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters."""
        self._policy = policy
        self._reading = Reading(codec)
        self._outcomes = Outcomes(codec, self._reading)
        self._dead = DeadLetters(codec, Stage.BY_MESSAGE, names or {})

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of sends or of feedback leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        if chunk.topic == "sends":
            sends = self._read(self._reading.send, chunk, effects, now)
            lives = Lives(recall, [s.key for s in sends], now)
            for send in sends:
                self._send(send, lives, effects, now)
        else:
            events = self._read(self._reading.feedback, chunk, effects, now)
            lives = Lives(recall, [e.key for e in events], now)
            for event in events:
                self._feedback(event, lives, effects, now)
        lives.write(effects, self._policy)
        return effects

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Let go what has waited long enough, count what stays silent, forget what is over."""
        effects = Effects()
        looks: defaultdict[int, list[bytes]] = defaultdict(list)
        unique = list(dict.fromkeys(keys))
        for key, value in zip(unique, recall(unique), strict=True):
            if value is None:
                continue
            life = self._look(unpack_life(value), effects, now)
            if lifecycle.forgettable(life, now, self._policy):
                effects.writes[key] = None
                continue
            looks[lifecycle.next_look(life, self._policy)].append(key)
            stored = pack_life(life)
            if stored != value:
                effects.writes[key] = stored
        effects.wake = list(looks.items())
        return effects

    def _read(self, read: Callable[[bytes | None], T], chunk: Chunk, effects: Effects, now: int) -> list[T]:
        """Return what can be read of a chunk; what cannot becomes dead letters."""
        facts = []
        for index, value in enumerate(chunk.values):
            try:
                facts.append(read(value))
            except Unusable as why:
                self._dead.add(effects, chunk, index, why, now)
        return facts

    def _look(self, life: Life, effects: Effects, now: int) -> Life:
        """Return a woken life after its overdue feedback has gone out unmatched and its silence is counted."""
        life, due = lifecycle.overdue(life, now)
        for parked in due:
            life = self._outcomes.late(effects, life, self._reading.feedback(parked.record), parked.fresh)
            effects.counts["ses_unmatched_feedback_total",] += 1
            effects.counts["ses_parked_feedback",] -= 1
        if life.send is not None and lifecycle.silent(life, now, self._policy):
            effects.counts["ses_unanswered_sends_total", self._reading.sent(life.send)["stream"]] += 1
            life = life._replace(counted=True)
        return life

    def _send(self, said: SaidSend, lives: Lives, effects: Effects, now: int) -> None:
        """Take a Send: keep it, and let go the feedback that waited for it."""
        life = lives.get(said.key)
        if life.send is not None and not life.stand_in:
            effects.counts["ses_duplicates_total", "sends"] += 1
        else:
            effects.counts["ses_sends_total", said.send["stream"], said.send["via"]] += 1
        life = lifecycle.sent(life, said.record, now, stand_in=False)
        lives.put(said.key, self._join_parked(life, effects))

    def _sent_event(self, said: SaidFeedback, life: Life, effects: Effects, now: int) -> Life:
        """Take SES's own SEND event: it stands in for a Send that has not come."""
        if life.send is not None:
            return life._replace(touched_at=now)
        life = lifecycle.sent(life, self._reading.stand_in(said), now, stand_in=True)
        return self._join_parked(life, effects)

    def _join_parked(self, life: Life, effects: Effects) -> Life:
        """Return the life after the feedback that waited in it has gone out, joined."""
        if not life.parked:
            return life
        life, waiting = lifecycle.release(life)
        for parked in waiting:
            life = self._outcomes.late(effects, life, self._reading.feedback(parked.record), parked.fresh)
        effects.counts["ses_parked_feedback",] -= len(waiting)
        return life

    def _feedback(self, said: SaidFeedback, lives: Lives, effects: Effects, now: int) -> None:
        """Take one SES event: emit its outcomes, or park it until its Send comes."""
        life = lives.get(said.key)
        if said.feedback["kind"] == FeedbackKind.SEND:
            lives.put(said.key, self._sent_event(said, life, effects, now))
            return
        judged = self._reading.judge(said)
        if not judged:
            lives.put(said.key, life._replace(touched_at=now))
            return
        life, fresh = lifecycle.hear(life, [one.mark for one in judged], now)
        if not fresh:
            effects.counts["ses_duplicates_total", "feedback"] += 1
        elif life.send is None:
            effects.counts["ses_parked_feedback",] += 1
            lives.put(said.key, lifecycle.park(life, fresh, said.record, now, self._policy), parked=True)
            return
        else:
            judged = [one for one in judged if one.mark in fresh] if len(fresh) < len(judged) else judged
            life = self._outcomes.add(effects, life, said, judged)
        lives.put(said.key, life)

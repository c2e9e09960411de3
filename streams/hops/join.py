"""The join of one chunk: each send and each event of SES meets the life of its message, and the rules say what follows.

A join is made for a chunk and thrown away after it. It reads the table once, holds the lives in memory while the
records pass by, and writes what has changed at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from streams.decide import lifecycle
from streams.decide.mailreport import is_mail_report
from streams.decide.verdict import fits, needs_no_send
from streams.emit.outcome import OutcomeWriter
from streams.emit.taking import Taken
from streams.hops.outcomes import Outcomes
from streams.hops.reading import Judged, Reading, SaidFeedback, SaidSend
from streams.hops.settlements import Settlements
from streams.mail.feedback import FeedbackKind
from streams.mail.life import Life, Reached
from streams.mail.policy import JoinPolicy
from streams.pipeline import Effects, Recall
from streams.state.lives import first_heard, new_life, only_send, pack_life, unpack_life

if TYPE_CHECKING:
    from ses_streams_kernel import Feedback, Sends


class Join:
    """The lives of a chunk's messages, and what is said about them."""

    def __init__(self, effects: Effects, reading: Reading, policy: JoinPolicy, now: int) -> None:
        """Begin a chunk at *now* (ms); what follows from it goes into *effects*."""
        self._effects = effects
        self._counts = effects.counts
        self._reading = reading
        self._policy = policy
        self.now = now
        self._settlements = Settlements(reading)
        self._outcomes = Outcomes(reading, effects.counts, effects.latencies, self._settlements)
        self._stored: dict[bytes, bytes | None] = {}
        self._lives: dict[bytes, Life] = {}
        self._looks: set[bytes] = set()
        self._begun: list[bytes] = []

    def recall(self, keys: Sequence[bytes], recall: Recall) -> None:
        """Read the stored lives of *keys*, each once; nothing is unpacked before it is asked for."""
        unique = list(dict.fromkeys(keys))
        self._stored = dict(zip(unique, recall(unique), strict=True))

    def send(self, said: SaidSend) -> None:
        """Take a Send: keep it, and let go the feedback that waited for it."""
        if said.key not in self._lives and self._stored[said.key] is None:
            self._begin(said)
            return
        life = self._life(said.key)
        if life.send is not None:
            self._counts["ses_duplicates_total", "sends"] += not life.stand_in
        else:
            self._counts["ses_sends_total", said.send["stream"], said.send["via"]] += 1
        life = lifecycle.sent(life, said.record, self.now, stand_in=False)
        self._lives[said.key] = self._let_go(life)

    def feedback(self, said: SaidFeedback) -> None:
        """Take one SES event: its outcomes go out, or it waits for its Send."""
        if said.feedback["kind"] == FeedbackKind.SEND:
            self._lives[said.key] = self._stand_in(said, self._life(said.key))
            return
        if is_mail_report(said.feedback):
            self._reported(said)
            return
        judged = self._reading.judge(said)
        if not judged:
            self._lives[said.key] = self._life(said.key)._replace(touched_at=self.now)
            return
        if self._first(said, judged):
            return
        life = self._life(said.key)
        life, fresh = lifecycle.hear(life, [one.mark for one in judged], self.now)
        if not fresh:
            self._counts["ses_duplicates_total", "feedback"] += 1
        elif needs_no_send(said.feedback):
            life = self._outcomes.add(life, said, judged)
        elif life.send is None and lifecycle.has_room(life, said.record):
            life = self._park(said, life, fresh)
        else:
            judged = [one for one in judged if one.mark in fresh] if len(fresh) < len(judged) else judged
            life = self._outcomes.add(life, said, judged)
            if life.send is None:  # too much waits for its Send already
                self._settlements.accepted(said)
                self._counts["ses_unmatched_feedback_total",] += 1
        self._lives[said.key] = life

    def sends_by(self, short: Sends, scan: Any, taken: Taken[SaidSend], values: list[bytes | None]) -> None:
        """Take sends as `send` does, one after another, the ordinary ones by the short way."""

        def slow(place: int) -> None:
            self.send(taken.facts.get(place) or self._reading.send(values[place]))

        kept = self._lives, self._stored, self._effects.writes, self._begun
        short.take(scan, taken.places, taken.said, values, *kept, self.now, slow, self._counts)

    def events_by(self, short: Feedback, scan: Any, taken: Taken[SaidFeedback], values: list[bytes | None]) -> None:
        """Take SES's events as `feedback` does, one after another, the ordinary ones by the short way."""

        def slow(place: int) -> None:
            self.feedback(taken.facts.get(place) or self._reading.feedback(values[place]))

        kept = self._lives, self._stored, self._effects.writes, self._outcomes.keys, self._outcomes.values
        for tally in short.take(scan, taken.places, taken.said, values, *kept, self.now, slow):
            self._outcomes.tallied(tally)

    def look(self, keys: Sequence[bytes], recall: Recall) -> None:
        """Look at lives whose time has come: late feedback goes out, silence is counted, what is over is forgotten."""
        self.recall(keys, recall)
        for key, value in self._stored.items():
            if value is None:
                continue
            life = self._overdue(unpack_life(value))
            if lifecycle.forgettable(life, self.now, self._policy):
                self._effects.writes[key] = None
            else:
                self._lives[key] = life
                self._looks.add(key)

    def write(self, writer: OutcomeWriter) -> None:
        """Write what is said and what has changed, and say when to look again at what is new or waits."""
        self._outcomes.write(self._effects, writer)
        self._settlements.write(self._effects, writer)
        looks: defaultdict[int, list[bytes]] = defaultdict(list)
        if self._begun:
            looks[lifecycle.next_look(Life(self.now, self.now, b""), self._policy)] += self._begun
        stored, writes = self._stored, self._effects.writes
        for key, life in self._lives.items():
            value, was = pack_life(life), stored[key]
            if value != was:
                writes[key] = value
            if was is None or key in self._looks:
                looks[lifecycle.next_look(life, self._policy)].append(key)
        self._effects.wake.extend(looks.items())

    def _begin(self, said: SaidSend) -> None:
        """Take the first thing that is heard of a message, its Send, the short way: most messages begin so."""
        self._counts["ses_sends_total", said.send["stream"], said.send["via"]] += 1
        self._begun.append(said.key)
        self._keep(said.key, new_life(said.record, self.now))

    def _first(self, said: SaidFeedback, judged: list[Judged]) -> bool:
        """Take the first event about a message whose Send is known, the short way; tell whether this is one."""
        verdict = judged[0].verdict
        if len(judged) > 1 or not verdict.recipient or said.key in self._lives:
            return False
        stored = self._stored[said.key]
        send = only_send(stored)
        if stored is None or send is None:
            return False
        self._outcomes.note(send, said, judged)
        reached = Reached(verdict.kind, said.feedback["occurred_at"])
        self._keep(said.key, first_heard(stored, judged[0].mark, verdict.recipient, reached, self.now))
        return True

    def _keep(self, key: bytes, stored: bytes) -> None:
        """Keep a life as stored; what comes later in the chunk finds it so."""
        self._stored[key] = self._effects.writes[key] = stored

    def _life(self, key: bytes) -> Life:
        """Return a message's life as it stands; a new one where nothing is stored."""
        life = self._lives.get(key)
        if life is not None:
            return life
        stored = self._stored[key]
        return Life(self.now, self.now) if stored is None else unpack_life(stored)

    def _stand_in(self, said: SaidFeedback, life: Life) -> Life:
        """Take SES's own SEND event: it stands in for a Send that has not come."""
        if life.send is not None:
            return life._replace(touched_at=self.now)
        record = self._reading.stand_in(said)
        self._counts["ses_sends_total", self._reading.sent(record)["stream"], "UPSTREAM"] += 1
        self._settlements.accepted(said)
        return self._let_go(lifecycle.sent(life, record, self.now, stand_in=True))

    def _park(self, said: SaidFeedback, life: Life, fresh: tuple[bytes, ...]) -> Life:
        """Let an event wait for its Send."""
        self._counts["ses_parked_feedback_total",] += 1
        self._settlements.accepted(said)
        self._looks.add(said.key)
        return lifecycle.park(life, fresh, said.record, self.now, self._policy)

    def _reported(self, said: SaidFeedback) -> None:
        """Take a report that came by mail: it waits for its Send like any event, but never goes out without it.

        Anybody can write one, so it changes nothing of a life that it does not fit.
        """
        life = self._life(said.key)
        if life.send is not None:
            self._lives[said.key] = self._joined(said, life)
            return
        marks = tuple(one.mark for one in self._reading.judge(said))
        if any(parked.fresh == marks for parked in life.parked):
            self._counts["ses_duplicates_total", "feedback"] += 1
        elif len(life.parked) < lifecycle.MAX_REPORTS and lifecycle.has_room(life, said.record):
            life = self._park(said, life, marks)
        else:
            self._counts["ses_unmatched_feedback_total",] += 1
        self._lives[said.key] = life

    def _joined(self, said: SaidFeedback, life: Life) -> Life:
        """Return the life after a report by mail has met its Send; what it says of strangers is dropped."""
        sent_to = self._reading.sent_to(life.send or b"")
        judged = [one for one in self._reading.judge(said, sent_to) if fits(one.verdict, said.feedback, sent_to)]
        if not judged:
            self._counts["ses_unmatched_feedback_total",] += 1
            return life
        life, fresh = lifecycle.hear(life, [one.mark for one in judged], self.now)
        if not fresh:
            self._counts["ses_duplicates_total", "feedback"] += 1
            return life
        return self._outcomes.add(life, said, [one for one in judged if one.mark in fresh])

    def _let_go(self, life: Life) -> Life:
        """Return the life after the feedback that waited in it has gone out, joined."""
        if not life.parked:
            return life
        life, waiting = lifecycle.release(life)
        for parked in waiting:
            said = self._reading.feedback(parked.record)
            by_mail = is_mail_report(said.feedback)
            life = self._joined(said, life) if by_mail else self._outcomes.late(life, said, parked.fresh)
        return life

    def _overdue(self, life: Life) -> Life:
        """Return a life after its overdue feedback has gone out unmatched and its silence is counted."""
        life, due = lifecycle.overdue(life, self.now)
        for parked in due:
            said = self._reading.feedback(parked.record)
            if not is_mail_report(said.feedback):
                life = self._outcomes.late(life, said, parked.fresh)
            self._counts["ses_unmatched_feedback_total",] += 1
        if life.send is not None and lifecycle.silent(life, self.now, self._policy):
            self._counts["ses_unanswered_sends_total", self._reading.sent(life.send)["stream"]] += 1
            life = life._replace(counted=True)
        return life

"""Hop 1 once more, over the records of one mail: what each of them led to, or why to nothing.

The hop itself works here, on a table of its own and on the brokers' clock, so that no rule is told twice. A worker that
was behind may have heard the same records later, and in another order: the end is the same, by the laws of the core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.decide.mailreport import is_mail_report
from streams.errors import Unusable
from streams.hops.by_message import ByMessage
from streams.hops.reading import Reading
from streams.mail.feedback import FeedbackKind
from streams.mail.found import Found
from streams.mail.life import Life
from streams.mail.policy import Policy
from streams.pipeline import Chunk, Effects
from streams.schemas.codec import Codec
from streams.state.lives import pack_life, unpack_life
from streams.state.memory import MemoryTable

NOWHERE = -1
"""In place of an offset: what is kept in the life itself, and was not found on its topic."""

Identity = tuple[str, str, int]
"""What makes an event that one: its kind, its id, its time."""


@dataclass(slots=True)
class Told:
    """A record that was heard: the name of the rule that said what to do, what it says, and the outcomes it led to."""

    found: Found
    rule: str
    says: dict[str, Any]
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    detail: str = ""

    @property
    def identity(self) -> Identity:
        """Return which event it is; of feedback only."""
        return self.says["kind"], self.says["feedback_id"], self.says["occurred_at"]


class Rehearsed(NamedTuple):
    """All that was heard, when the silence was counted, and the life that came of it."""

    told: list[Told]
    silent_at: int | None
    life: Life | None


class Rehearsal:
    """Hears the records of one mail."""

    def __init__(self, message_id: str, codec: Codec, policy: Policy) -> None:
        """Begin with nothing heard."""
        self._key = message_id.encode()
        self._codec = codec
        self._reading = Reading(codec)
        self._park = policy.join.park
        self._hop = ByMessage(codec, policy.join, compiled=False)
        self._table = MemoryTable()
        self._told: list[Told] = []
        self._silent_at: int | None = None
        self._life: Life | None = None

    def run(self, life: Life | None, records: Sequence[Found], now: int) -> Rehearsed:
        """Return what *records* led to by *now* (ms); what the stored *life* itself holds is heard as well."""
        ours = sorted(self._ours(records), key=lambda one: (one.at, one.topic != "sends", one.partition, one.offset))
        ours = self._with_kept(life, ours, records)
        if life is not None and life.send is not None and not self._has_send(ours, stand_in=life.stand_in):
            self._seed(life, life.send)
        for one in ours:
            self._pass_time(one.at)
            self._hear(one)
        self._pass_time(now)
        return Rehearsed(self._told, self._silent_at, self._life)

    def _ours(self, records: Sequence[Found]) -> list[Found]:
        """Return the sends and the events of this mail, each once."""
        ours: dict[tuple[str, int, int], Found] = {}
        for one in records:
            if one.topic in ("sends", "feedback") and self._key_of(one) in (self._key, None):
                ours[one.topic, one.partition, one.offset] = one
        return list(ours.values())

    def _key_of(self, one: Found) -> bytes | None:
        """Return of which mail a record is; None where it cannot be read: that is told, too."""
        try:
            return self._reading.send(one.value).key if one.topic == "sends" else self._reading.feedback(one.value).key
        except Unusable:
            return None

    def _with_kept(self, life: Life | None, ours: list[Found], records: Sequence[Found]) -> list[Found]:
        """Return *ours* with the events that were not found and are kept elsewhere: in the life, or in an outcome."""
        kept = [] if life is None else [(parked.until - self._park, parked.record) for parked in life.parked]
        kept += [(one.at, event) for one in records if (event := self._embedded(one)) is not None]
        known = {self._identity(one.value) for one in ours if one.topic == "feedback"}
        for at, record in kept:
            identity = self._identity(record)
            if identity not in known:
                known.add(identity)
                ours.append(Found("feedback", NOWHERE, NOWHERE, at, self._key, record))
        return sorted(ours, key=lambda one: one.at)

    def _embedded(self, one: Found) -> bytes | None:
        """Return the event of an outcome of this mail; None of anything else."""
        if one.topic != "outcomes":
            return None
        try:
            event = self._codec.decode("mail.Outcome", one.value or b"")["feedback"]
            record = None if event is None else self._codec.encode("mail.Feedback", event)
            return record if record is not None and self._reading.feedback(record).key == self._key else None
        except Unusable:
            return None

    def _identity(self, value: bytes | None) -> Identity | None:
        try:
            said = self._reading.feedback(value).feedback
        except Unusable:
            return None
        return said["kind"], said["feedback_id"], said["occurred_at"]

    def _has_send(self, ours: Sequence[Found], *, stand_in: bool) -> bool:
        """Tell whether the Send is among the records; where that is a *stand_in*, SES's own SEND event."""
        if any(one.topic == "sends" for one in ours):
            return True
        events = (self._identity(one.value) for one in ours) if stand_in else ()
        return any(event is not None and event[0] == FeedbackKind.SEND for event in events)

    def _seed(self, life: Life, send: bytes) -> None:
        """Begin with the Send that the life holds."""
        kept = Life(life.born_at, life.born_at, send, life.stand_in)
        self._table.values[self._key] = pack_life(kept)
        self._life = kept
        found = Found("sends", NOWHERE, NOWHERE, life.born_at, self._key, send)
        says = self._codec.decode("mail.Send", send)
        self._told.append(Told(found, "stand-in" if life.stand_in else "sent", says))

    def _hear(self, one: Found) -> None:
        """Hear one record."""
        before = self._life
        chunk = Chunk(topic=one.topic, partition=0, keys=[self._key], values=[one.value], offsets=[one.offset])
        effects = self._hop.work(chunk, self._table.recall, one.at)
        if effects.set_aside:
            aside = effects.set_aside[0]
            self._told.append(Told(one, "unusable", {}, detail=aside.reason))
            return
        name = "mail.Send" if one.topic == "sends" else "mail.Feedback"
        says = self._codec.decode(name, one.value or b"")
        if one.topic == "feedback":
            says["feedback_id"] = self._reading.feedback(one.value).feedback["feedback_id"]
        self._told.append(Told(one, _rule(one.topic, says, effects, before), says))
        self._carry_out(effects)

    def _pass_time(self, until: int) -> None:
        """Let pass what waited too long, and count silence, up to *until*."""
        while (due := self._table.next_due()) is not None and due <= until:
            effects = self._hop.wake(self._table.take_due(), self._table.recall, due)
            if any(name[0] == "ses_unanswered_sends_total" for name in effects.counts):
                self._silent_at = due
            self._carry_out(effects)

    def _carry_out(self, effects: Effects) -> None:
        """Keep what the hop keeps, and give each outcome to the event that it comes of."""
        self._table.apply(effects)
        stored = self._table.values.get(self._key)
        self._life = self._life if stored is None else unpack_life(stored)
        batch = effects.outputs.get("outcomes")
        for value in [] if batch is None else batch.values:
            outcome = self._codec.decode("mail.Outcome", value or b"")
            of = self._reading.feedback(self._codec.encode("mail.Feedback", outcome["feedback"])).feedback
            identity = of["kind"], of["feedback_id"], of["occurred_at"]
            told = next(t for t in self._told if t.found.topic == "feedback" and t.says and t.identity == identity)
            told.outcomes.append(outcome)
            if told.rule == "parked":
                told.rule = "parked-joined" if outcome["matched"] else "unmatched"
        if self._life is not None and not self._life.parked:
            for told in self._told:
                if told.rule == "parked" and not told.outcomes:  # a report by mail that fits no Send
                    told.rule = "by-mail-dropped"


def _rule(topic: str, says: dict[str, Any], effects: Effects, before: Life | None) -> str:
    """Return the name of the rule by which a record was taken."""
    counts = effects.counts
    if topic == "sends":
        return "sent-again" if counts["ses_duplicates_total", "sends"] else "sent"
    if says["kind"] == FeedbackKind.SEND:
        return "stand-in" if before is None or before.send is None else "stand-in-needless"
    if counts["ses_duplicates_total", "feedback"]:
        return "duplicate"
    if counts["ses_parked_feedback_total",]:
        return "parked"
    if counts["ses_unmatched_feedback_total",]:
        return "by-mail-dropped" if is_mail_report(says) else "too-many-wait"  # type: ignore[arg-type]  # by schema
    return "heard" if effects.outputs.get("outcomes") else "says-nothing"

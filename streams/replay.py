"""The hops without a broker, on event time: what would have come out of these events.

This is how an operator tries a policy on last month's mail, and how the rules are tested from outside. The clock is
the latest time that any event has borne; timers fire as it passes them, in their order, and what they emit is heard
by the next hop before the event that moved the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from streams.emit.records import dead_letter_record, feedback_record
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.intake.files import Item
from streams.mail.policy import Policy
from streams.mail.time import is_time
from streams.pipeline import Chunk, Effects, Hop
from streams.schemas.codec import Codec
from streams.state.memory import MemoryTable

SCHEMAS = {"outcomes": "mail.Outcome", "suppressions": "mail.Suppression", "dead-letters": "mail.DeadLetter"}
"""What each output topic carries."""

INPUTS = {"mail.Send": ("sends", "sent_at"), "mail.Feedback": ("feedback", "occurred_at")}
"""The topic of each record that hop 1 reads, and the field that holds its time."""


class Said(NamedTuple):
    """One record that a hop emitted; a None *record* is a release of *key*."""

    name: str
    key: str
    record: Mapping[str, Any] | None


class Replay:
    """Both hops over tables in memory."""

    def __init__(self, codec: Codec, policy: Policy) -> None:
        """Begin with empty tables, before all time."""
        self.codec = codec
        self.now = 0
        self._park = policy.join.park
        self._hops: tuple[tuple[Hop, MemoryTable], ...] = (
            (ByMessage(codec, policy.join), MemoryTable()),
            (ByRecipient(codec, policy), MemoryTable()),
        )

    def run(self, items: Iterable[Item], until: int | None = None) -> Iterator[Said]:
        """Yield what comes out of *items*, in order.

        At the end time passes on to *until* (ms since the epoch); without it, for as long as feedback waits for its
        Send, so that nothing that was read stays unsaid.
        """
        for item in items:
            yield from self._take(item)
        yield from self.pass_time(self.now + self._park if until is None else until)

    def pass_time(self, until: int) -> Iterator[Said]:
        """Yield what the timers up to *until* (ms since the epoch) lead to."""
        while (due := self._next_due()) is not None and due[0] <= until:
            at, number = due
            self.now = max(self.now, at)
            hop, table = self._hops[number]
            yield from self._carry_out(number, hop.wake(table.take_due(), table.recall, self.now))
        self.now = max(self.now, until)

    def _take(self, item: Item) -> Iterator[Said]:
        """Yield what one input leads to."""
        if item.dead is not None:
            yield Said("mail.DeadLetter", "", {**dead_letter_record(item.dead), "at": self.now})
        elif item.feedback is not None:
            yield from self._record("mail.Feedback", feedback_record(item.feedback))
        elif item.record is not None:
            yield from self._record(*item.record)

    def _record(self, name: str, record: Mapping[str, Any]) -> Iterator[Said]:
        """Yield what one record leads to, after the timers up to its time."""
        if name == "mail.Outcome":
            yield from self._hear(1, "outcomes", record["occurred_at"], name, record)
        elif name in INPUTS:
            topic, time_field = INPUTS[name]
            yield from self._hear(0, topic, record[time_field], name, record)

    def _hear(self, number: int, topic: str, at: int, name: str, record: Mapping[str, Any]) -> Iterator[Said]:
        """Let a hop hear one record at its time."""
        if at > self.now and is_time(at):
            yield from self.pass_time(at)
        yield from self._work(number, topic, [self.codec.encode(name, record)])

    def _work(self, number: int, topic: str, values: list[bytes | None]) -> Iterator[Said]:
        """Yield what a chunk leads to in a hop and in the hop after it."""
        hop, table = self._hops[number]
        keys: list[bytes | None] = [b""] * len(values)
        chunk = Chunk(topic=topic, partition=0, keys=keys, values=values, offsets=range(len(values)))
        yield from self._carry_out(number, hop.work(chunk, table.recall, self.now))

    def _carry_out(self, number: int, effects: Effects) -> Iterator[Said]:
        """Keep and emit what a hop wants, and let the next hop hear it."""
        self._hops[number][1].apply(effects)
        for topic, batch in effects.outputs.items():
            name = SCHEMAS[topic]
            for key, value in zip(batch.keys, batch.values, strict=True):
                yield Said(
                    name, key.decode(errors="replace"), None if value is None else self.codec.decode(name, value)
                )
                if topic == "outcomes":
                    yield from self._work(1, topic, [value])

    def _next_due(self) -> tuple[int, int] | None:
        """Return the earliest timer's time and the number of its hop."""
        waiting = [
            (due, number) for number, (_, table) in enumerate(self._hops) if (due := table.next_due()) is not None
        ]
        return min(waiting, default=None)

"""The hops without a broker, on event time: what would have come out of these events.

This is how an operator tries a policy on last month's mail, and how the rules are tested from outside. The clock is
the latest time that any event has borne; timers fire as it passes them, in their order, and what they emit is heard
by the next hop before the event that moved the clock.

A retry is said when it is planned, with its due time, and once more when it is cancelled. That it falls due is not
said: nobody here sends it.
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
from streams.pipeline import Batch, Chunk, Effects, Hop
from streams.schemas.codec import Codec
from streams.state.memory import MemoryTable

SCHEMAS = {
    "outcomes": "mail.Outcome",
    "suppressions": "mail.Suppression",
    "loops": "mail.LoopFlag",
    "dead-letters": "mail.DeadLetter",
}
"""The topics whose records are said as they are, and what each carries."""


class Input(NamedTuple):
    """Where a record goes: the number of its hop, the topic's role, and the field that holds its time."""

    hop: int
    topic: str
    time: str


INPUTS = {
    "mail.Send": Input(0, "sends", "sent_at"),
    "mail.Feedback": Input(0, "feedback", "occurred_at"),
    "mail.Outcome": Input(1, "outcomes", "occurred_at"),
    "mail.Instruction": Input(1, "instructions", "at"),
}
"""The records that a hop reads; others are passed over."""


class Said(NamedTuple):
    """One record that a hop emitted; a None *record* is a release of *key*. *cancelled* is of a retry only."""

    name: str
    key: str
    record: Mapping[str, Any] | None
    cancelled: bool = False


Named = tuple[str, int]
"""A retry of one recipient: its request id and its attempt."""


class Plans:
    """Which retries wait, to whom: what hop 2 says of it, turned into what is new and what is cancelled."""

    def __init__(self, codec: Codec) -> None:
        """Begin with none."""
        self._codec = codec
        self._waiting: dict[str, dict[Named, dict[str, Any]]] = {}

    def hear(self, effects: Effects) -> Iterator[Said]:
        """Yield the retries that are planned by *effects*, and those that are cancelled."""
        going = set()
        for _, retry in self._read(effects, "retries", "mail.Retry"):
            going.add((retry["recipient"], _named(retry)))
            if _named(retry) not in self._waiting.get(retry["recipient"], {}):
                yield Said("mail.Retry", retry["request_id"], retry)
        for recipient, record in self._read(effects, "waiting", "mail.Waiting"):
            before = self._waiting.pop(recipient, {})
            after = {_named(one): {"recipient": recipient, **one} for one in record.get("retries", ())}
            if after:
                self._waiting[recipient] = after
            for name, retry in after.items():
                if name not in before:
                    yield Said("mail.Retry", name[0], retry)
            for name, retry in before.items():
                if name not in after and (recipient, name) not in going:
                    yield Said("mail.Retry", name[0], retry, cancelled=True)

    def _read(self, effects: Effects, topic: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what a topic was told: key and record, an empty one for a null."""
        batch = effects.outputs.get(topic, Batch())
        for key, value in zip(batch.keys, batch.values, strict=True):
            yield key.decode(errors="replace"), {} if value is None else self._codec.decode(name, value)


def _named(retry: Mapping[str, Any]) -> Named:
    """Return what a retry is called."""
    return retry["request_id"], retry["attempt"]


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
        self._plans = Plans(codec)

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
        goes_to = INPUTS.get(name)
        if goes_to is not None:
            yield from self._hear(goes_to, record[goes_to.time], name, record)

    def _hear(self, goes_to: Input, at: int, name: str, record: Mapping[str, Any]) -> Iterator[Said]:
        """Let a hop hear one record at its time."""
        if at > self.now and is_time(at):
            yield from self.pass_time(at)
        yield from self._work(goes_to.hop, goes_to.topic, [self.codec.encode(name, record)])

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
            name = SCHEMAS.get(topic)
            if name is None:
                continue  # settlements are for dispatch; retries and what waits are read below
            for key, value in zip(batch.keys, batch.values, strict=True):
                record = None if value is None else self.codec.decode(name, value)
                yield Said(name, key.decode(errors="replace"), record)
                if topic == "outcomes":
                    yield from self._work(1, topic, [value])
        if number == 1:
            yield from self._plans.hear(effects)

    def _next_due(self) -> tuple[int, int] | None:
        """Return the earliest timer's time and the number of its hop."""
        waiting = [
            (due, number) for number, (_, table) in enumerate(self._hops) if (due := table.next_due()) is not None
        ]
        return min(waiting, default=None)

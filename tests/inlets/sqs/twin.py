"""A queue as SQS keeps its promises, and a landing, both in memory, in time that jumps; trouble comes when told to.

The queue hides what it hands out, counts how often, shows it again when its time is over, deletes by the newest handle
only, and may do what it is asked and lose the answer. Nothing here knows how the road works.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from streams.emit.landing import Full, NotLanded, Record
from streams.errors import WorldFailed
from streams.inlets.sorting import Sorter
from streams.inlets.sqs.calls import Amiss, Answers, Message, Why
from streams.inlets.sqs.road import SqsRoad
from streams.inlets.tally import Tally
from streams.observe.metrics import Metrics
from streams.settings.intake import Sqs
from tests.builders import CODEC, NOON
from tests.inlets.signing import iso

T = TypeVar("T")
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/events"
HIDDEN_S = 30


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which nobody waits: where nothing is ready, it is already later."""

    def __init__(self) -> None:
        super().__init__()
        self.later = 0.0

    def time(self) -> float:
        return self.later

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # CPython's own, and old
            self.later = max(self.later, self._scheduled[0]._when)  # type: ignore[attr-defined]  # likewise
        super()._run_once()  # type: ignore[misc]  # likewise


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in time that jumps; return what it returns."""
    loop = JumpingLoop()
    try:
        return loop.run_until_complete(asyncio.wait_for(story, 100_000))
    finally:
        loop.close()


def time() -> float:
    return asyncio.get_running_loop().time()


def event(number: int) -> bytes:
    """Return an event of SES as it lies in a queue by raw delivery."""
    mail = {"messageId": f"m-{number}", "timestamp": iso(NOON), "destination": ["ann@example.org"]}
    return json.dumps({"eventType": "Send", "mail": mail, "send": {}}).encode()


@dataclass
class Kept:
    """A message in the queue."""

    id: str
    body: bytes
    shown_at: float = 0.0
    handle: str = ""
    received: int = 0


def well(_call: str) -> tuple[float, Why | None, bool]:
    """Do a call at once: seconds, what goes amiss, and whether it was done all the same."""
    return 0.01, None, True


@dataclass
class Queue:
    """One queue. *trouble* says for each call how long it takes, what goes amiss, and if it was done all the same."""

    kept: dict[str, Kept] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    trouble: Callable[[str], tuple[float, Why | None, bool]] = well
    entry: Callable[[], Why | None] = lambda: None
    calls: Counter[str] = field(default_factory=Counter)
    largest: Counter[str] = field(default_factory=Counter)
    name: str = "events"
    handed_out: int = 0

    def send(self, *bodies: bytes) -> None:
        for body in bodies:
            one = Kept(f"id-{len(self.kept) + len(self.deleted)}", body)
            self.kept[one.id] = one

    def shown(self) -> int:
        """Return how many anybody could get now."""
        return sum(one.shown_at <= time() for one in self.kept.values())

    async def receive(self, most: int, wait_s: int, hidden_s: int) -> list[Message]:
        assert 1 <= most <= 10
        until = time() + wait_s
        while not self.shown() and time() < until:  # noqa: ASYNC110 - the queue is polled, as SQS polls its hosts
            await asyncio.sleep(0.5)
        return await self._call("receive", most, lambda: self._hand_out(most, hidden_s))

    async def delete(self, handles: Sequence[str]) -> Answers:
        return await self._call(
            "delete", len(handles), lambda: [self._each(handle, self._delete) for handle in handles]
        )

    async def hide(self, times: Sequence[tuple[str, int]]) -> Answers:
        return await self._call(
            "hide", len(times), lambda: [self._each(handle, partial(self._hide, seconds=s)) for handle, s in times]
        )

    async def _call(self, call: str, size: int, do: Callable[[], T]) -> T:
        assert size <= 10
        self.calls[call] += 1
        self.largest[call] = max(self.largest[call], size)
        seconds, amiss, is_done = self.trouble(call)
        done = do() if amiss is None or is_done else None
        await asyncio.sleep(seconds)
        if amiss is not None or done is None:
            raise Amiss(amiss or Why.OTHER, f"queue {self.name}: {call}")
        return done

    def _hand_out(self, most: int, hidden_s: int) -> list[Message]:
        found = [one for one in self.kept.values() if one.shown_at <= time()][:most]
        for one in found:
            self.handed_out += 1
            one.received, one.handle, one.shown_at = one.received + 1, f"h-{self.handed_out}", time() + hidden_s
        return [Message(one.id, one.handle, one.body, one.received, NOON) for one in found]

    def _each(self, handle: str, do: Callable[[Kept], None]) -> Why | None:
        one = next((one for one in self.kept.values() if one.handle == handle), None)
        if one is None or one.shown_at <= time():
            return Why.GONE
        why = self.entry()
        if why is None:
            do(one)
        return why

    def _delete(self, one: Kept) -> None:
        del self.kept[one.id]
        self.deleted.append(one.id)

    def _hide(self, one: Kept, seconds: int) -> None:
        one.shown_at = time() + seconds


@dataclass
class Quay:
    """Where records land. *act* says for each landing how long it takes, and how it ends."""

    landed: list[Record] = field(default_factory=list)
    act: Callable[[], tuple[float, type[Full | NotLanded] | None]] = lambda: (0.01, None)
    silent_since: float | None = None

    async def land(self, records: Sequence[Record]) -> None:
        seconds, error = self.act()
        await asyncio.sleep(seconds)
        if error is not None:
            raise error("as the test says")
        self.landed += records

    async def room(self) -> None:
        return

    def ids(self) -> list[str]:
        """Return the message ids of the events that landed."""
        return [(record.key or b"").decode() for record in self.landed if record.role == "feedback"]


class Reader:
    """A road over the twin, and what it said."""

    def __init__(self, queue: Queue, quay: Quay, chance: Callable[[], float] = lambda: 0.5, **words: Any) -> None:
        said = Sqs.model_validate({"queues": URL, "visibility_seconds": HIDDEN_S, "pollers": 2, **words})
        self.metrics, self.failures = Metrics(), list[WorldFailed]()

        @asynccontextmanager
        async def opening(_: Sqs, __: str) -> AsyncIterator[Queue]:
            yield queue

        self.road = SqsRoad(
            said,
            Sorter(CODEC, lambda: NOON),
            quay,
            Tally(self.metrics, lambda: NOON),
            clock=lambda: NOON,
            on_failure=self.failures.append,
            opening=opening,
            chance=chance,
            patience_s=5,
        )

    def items(self) -> dict[str, float]:
        every = self.metrics.values("ses_intake_items_total")
        return {result: count for (road, result), count in every.items() if road == "sqs" and count}

    def figure(self, name: str) -> float:
        return sum(self.road.figures()[name].values())


async def until(holds: Callable[[], bool], seconds: float = 3_600) -> None:
    """Wait, in time that jumps, until something holds."""
    end = time() + seconds
    while not holds():
        assert time() < end, "it never came"
        await asyncio.sleep(0.25)

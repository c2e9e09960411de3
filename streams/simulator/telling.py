"""When events go out: each at its time, to every outlet, in the order of its mail unless disorder is asked for.

One heap, one task. What is told is written only when it is due; a mail's own part is written once for all its events.
An outlet that fails ends it all: events that get lost in silence would make every count wrong.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple, Protocol

import orjson

from streams.simulator.answered import answer_of
from streams.simulator.events import NOTIFIED, event_of, mail_part
from streams.simulator.fates import Event
from streams.simulator.ids import chance, uuid
from streams.simulator.life import Happening
from streams.simulator.mail import Mail
from streams.simulator.words import Conditions, Form


class Told(NamedTuple):
    """One event as it goes out. *name*: an SNS MessageId, the same when it is told again; *body*: its JSON."""

    message_id: str
    kind: Event
    at: int
    name: str
    body: bytes


class Outlet(Protocol):
    """Where events go."""

    undelivered: int
    """How many of the events it took are lost."""

    async def open(self) -> None:
        """Make ready."""

    def take(self, told: Told, /) -> None:
        """Take one event; never waits."""

    async def settle(self) -> None:
        """See to it that what was taken is on its way; called after each batch."""

    async def close(self) -> None:
        """Return when all that was taken is delivered, or will never be."""


class Due(NamedTuple):
    """What waits for its time: seconds of the monotonic clock, and a number that keeps equals in order."""

    at: float
    number: int
    mail: Mail
    part: dict[Form, orjson.Fragment]
    happening: Happening


class Teller:
    """Tells events in time."""

    def __init__(self, *, seed: int, region: str, form: Form, outlets: Sequence[Outlet]) -> None:
        """Tell nothing yet."""
        self._seed, self._region, self._outlets = seed, region, outlets
        self._forms = (Form.EVENTS, Form.NOTIFICATIONS) if form is Form.BOTH else (form,)
        self._due: list[Due] = []
        self._numbers = count()
        self._woken = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while no event waits for its time."""
        self.idle.set()
        self.told: Counter[str] = Counter()

    async def open(self) -> None:
        """Open the outlets.

        Raises:
            WorldFailed: one cannot be opened.

        """
        for outlet in self._outlets:
            await outlet.open()

    async def close(self) -> None:
        """Close the outlets, each of them, whatever another one says.

        Raises:
            WorldFailed: what the first that failed said.

        """
        ended = await asyncio.gather(*(outlet.close() for outlet in self._outlets), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    def expect(self, mail: Mail, happenings: list[Happening], conditions: Conditions) -> None:
        """Put the events of a mail in the queue; some of them twice, where that is asked for."""
        now = time.monotonic()
        part = {form: orjson.Fragment(orjson.dumps(mail_part(mail, self._region, form))) for form in self._forms}
        for one in happenings:
            self._push(now + one.told_after / 1000, mail, part, one)
            if conditions.repeat and chance(self._seed, mail.number, f"repeat {one.name}") < conditions.repeat:
                self._push(now + (one.told_after + conditions.delay_ms) / 1000, mail, part, one)
        if self._due:
            self.idle.clear()
        self._woken.set()

    @property
    def waiting(self) -> int:
        """How many events wait for their time."""
        return len(self._due)

    @property
    def undelivered(self) -> int:
        """How many events are lost, for all that was tried."""
        return sum(outlet.undelivered for outlet in self._outlets)

    def forget(self) -> None:
        """Tell nothing of what waits, and count anew."""
        self._due.clear()
        self.idle.set()
        self.told.clear()

    async def run(self) -> None:
        """Tell events, until cancelled.

        Raises:
            WorldFailed: an outlet does.

        """
        while True:
            self._tell_due()
            for outlet in self._outlets:
                await outlet.settle()
            if not self._due:
                self.idle.set()
            await self._wait()

    def _tell_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0].at <= now:
            due = heapq.heappop(self._due)
            for told in self._written(due):
                self.told[told.kind.value] += 1
                for outlet in self._outlets:
                    outlet.take(told)

    async def _wait(self) -> None:
        """Wait until the next event is due, or a mail brings an earlier one."""
        self._woken.clear()
        timeout = None if not self._due else max(0.0, self._due[0].at - time.monotonic())
        try:
            await asyncio.wait_for(self._woken.wait(), timeout)
        except TimeoutError:
            return

    def _push(self, at: float, mail: Mail, part: dict[Form, orjson.Fragment], happening: Happening) -> None:
        heapq.heappush(self._due, Due(at, next(self._numbers), mail, part, happening))

    def _written(self, due: Due) -> list[Told]:
        """Return an event as JSON, in each format that has it."""
        mail, happening = due.mail, due.happening
        event = happening.turn.event
        if event is Event.RECEIVED:
            named = uuid(self._seed, mail.number, f"answer {happening.name}")
            body = orjson.dumps(answer_of(mail, happening, self._region, named))
            return [Told(mail.message_id, event, happening.at, named, body)]
        found = []
        for form in self._forms:
            if form is Form.EVENTS or event in NOTIFIED:
                body = orjson.dumps(event_of(mail, happening, due.part[form], form))
                name = uuid(self._seed, mail.number, f"sns {form} {happening.name}")
                found.append(Told(mail.message_id, event, happening.at, name, body))
        return found

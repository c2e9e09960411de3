"""When events go out: each at its time, to every outlet, in the order of its mail unless disorder is asked for.

One heap, one task. What is told is written only when it is due; a mail's own part is written once for all its events.
An outlet that fails ends it all: events that get lost in silence would make every count wrong.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Sequence
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

    async def open(self) -> None:
        """Make ready."""

    def take(self, told: Told, /) -> None:
        """Take one event; never waits."""

    async def settle(self) -> None:
        """Return soon after all that was taken so far is on its way; called after each batch."""

    async def close(self) -> None:
        """Return when all that was taken is delivered, or will never be."""


class Due(NamedTuple):
    """What waits for its time: seconds of the loop's clock, and a number that keeps equals in order."""

    at: float
    number: int
    mail: Mail
    part: dict[Form, orjson.Fragment]
    happening: Happening


class Teller:
    """Tells events in time. Create it within the loop that it works in."""

    def __init__(self, *, seed: int, region: str, form: Form, outlets: Sequence[Outlet]) -> None:
        """Tell nothing yet."""
        self._seed, self._region, self._outlets = seed, region, outlets
        self._forms = (Form.EVENTS, Form.NOTIFICATIONS) if form is Form.BOTH else (form,)
        self._due: list[Due] = []
        self._numbers = count()
        self._woken = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self.told: Counter[str] = Counter()

    def expect(self, mail: Mail, happenings: list[Happening], conditions: Conditions) -> None:
        """Put the events of a mail in the queue; some of them twice, where that is asked for."""
        now = self._clock()
        part = {form: orjson.Fragment(orjson.dumps(mail_part(mail, self._region, form))) for form in self._forms}
        for one in happenings:
            self._push(now + one.told_after / 1000, mail, part, one)
            if conditions.repeat and chance(self._seed, mail.number, f"repeat {one.name}") < conditions.repeat:
                self._push(now + (one.told_after + conditions.delay_ms) / 1000, mail, part, one)
        self._woken.set()

    @property
    def waiting(self) -> int:
        """How many events wait for their time."""
        return len(self._due)

    def forget(self) -> None:
        """Tell nothing of what waits."""
        self._due.clear()

    async def run(self) -> None:
        """Tell events, until cancelled.

        Raises:
            WorldFailed: an outlet does.

        """
        while True:
            self._tell_due()
            for outlet in self._outlets:
                await outlet.settle()
            await self._wait()

    def _tell_due(self) -> None:
        now = self._clock()
        while self._due and self._due[0].at <= now:
            due = heapq.heappop(self._due)
            for told in self._written(due):
                self.told[told.kind.value] += 1
                for outlet in self._outlets:
                    outlet.take(told)

    async def _wait(self) -> None:
        """Wait until the next event is due, or a mail brings an earlier one."""
        self._woken.clear()
        timeout = None if not self._due else max(0.0, self._due[0].at - self._clock())
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


Callback = Callable[[Told], None]


class ToCallback:
    """Hands each event to a function of the caller's, in the simulator's own loop."""

    def __init__(self, callback: Callback) -> None:
        """Keep the function; it must not wait."""
        self._callback = callback

    async def open(self) -> None:
        """Nothing to make ready."""

    def take(self, told: Told, /) -> None:
        """Call the function."""
        self._callback(told)

    async def settle(self) -> None:
        """It was called already."""

    async def close(self) -> None:
        """It was called already."""

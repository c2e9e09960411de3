"""The messages of one queue that we have in hand: received, and neither deleted nor given back.

Each is here once, however often SQS hands it out, under the handle that came last: an older one may no longer delete
it. And which messages have landed lately: one that comes again because its deletion failed need only be deleted.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Iterator

from streams.inlets.sqs.calls import Message

REMEMBERED = 20_000
"""Messages that landed lately, a queue: about 4 MB."""


class Held:
    """One message in hand.

    until: when its time hidden is over, in the loop's time; beat_at: when to ask for more.
    """

    __slots__ = ("beat_at", "handle", "has_landed", "id", "received", "until")

    def __init__(self, message: Message) -> None:
        """Hold *message*, whose body is somebody else's."""
        self.id, self.handle, self.received = message.id, message.handle, message.received
        self.has_landed = False
        self.until = self.beat_at = math.inf


class Hand:
    """What is in hand, for at most so many messages before there is no room for more."""

    def __init__(self, hidden_s: float, most: int) -> None:
        """Messages are hidden for *hidden_s* seconds at a time."""
        self._hidden_s = hidden_s
        self._most = most
        self._held: dict[str, Held] = {}
        self._roomy = asyncio.Event()
        self._roomy.set()
        self.busy = asyncio.Event()
        """Set while anything is in hand."""

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def take(self, message: Message, now: float) -> Held | None:
        """Take *message* in hand; None if it was there, and then its newer handle counts."""
        known = self._held.get(message.id)
        held = self._held.setdefault(message.id, Held(message))
        held.handle, held.received = message.handle, message.received
        self.renew(held, now)
        self.busy.set()
        if len(self._held) >= self._most:
            self._roomy.clear()
        return held if known is None else None

    def renew(self, held: Held, now: float) -> None:
        """Note that it is hidden for its whole time again, from *now* on; half of it may pass."""
        held.until, held.beat_at = now + self._hidden_s, now + self._hidden_s / 2

    def drop(self, held: Held) -> None:
        """Have it no longer in hand."""
        self._held.pop(held.id, None)
        if len(self._held) < self._most:
            self._roomy.set()
        if not self._held:
            self.busy.clear()

    async def room(self) -> None:
        """Return when there is room for more."""
        await self._roomy.wait()


class Lately:
    """Ids of messages that landed, the last so many."""

    def __init__(self, most: int = REMEMBERED) -> None:
        """Remember *most*."""
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._ids

    def add(self, message_id: str) -> None:
        """Remember one more; the oldest is forgotten."""
        self._ids[message_id] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)

"""Keeps messages hidden from others while we have them in hand: asks SQS for more time when half of it has passed.

A message whose time ends all the same is counted: somebody else may get it, and both write the same records.
"""

from __future__ import annotations

import asyncio
import logging
import math

from streams.inlets.sqs.calls import Why
from streams.inlets.sqs.hand import Hand, Held
from streams.inlets.sqs.pause import Seldom, now
from streams.inlets.sqs.tens import Tens
from streams.inlets.sqs.wire import Wire

log = logging.getLogger(__name__)

_SHORTEST_S = 0.2  # between two looks, and two tries for one message


class Heart:
    """Beats for one queue while anything of it is in hand."""

    def __init__(self, wire: Wire, hand: Hand, hidden_s: int) -> None:
        """Hide what is in *hand* for *hidden_s* seconds at a time."""
        self._name = wire.name
        self._hand = hand
        self._hidden_s = hidden_s
        self._times = Tens(wire.hide)
        self._beats: set[asyncio.Task[None]] = set()
        self._seldom = Seldom()
        self.expired = 0
        """How many messages were no longer hidden while we had them."""

    async def beat(self) -> None:
        """Beat until cancelled; raises what a beat raised by a fault of ours."""
        while True:
            await self._hand.busy.wait()
            for held in [held for held in self._hand if held.beat_at <= now()]:
                self._beat_for(held)
            first = min((held.beat_at for held in self._hand), default=math.inf)
            await asyncio.sleep(min(max(first - now(), _SHORTEST_S), self._hidden_s / 2))

    async def end(self, held: Held, after_s: int) -> None:
        """Show *held* again after so many seconds, and beat for it no more."""
        held.beat_at = math.inf
        await self._times.ask((held.handle, after_s))

    async def stop(self) -> None:
        """Leave what is under way."""
        await self._times.stop()
        for beat in list(self._beats):
            beat.cancel()
        await asyncio.gather(*self._beats, return_exceptions=True)

    def _beat_for(self, held: Held) -> None:
        left = held.until - now()
        if left <= 0:
            self._expired(held)
            return
        held.beat_at = now() + max(left / 2, _SHORTEST_S)  # again, unless this one helps
        beat = asyncio.get_running_loop().create_task(self._ask(held))
        self._beats.add(beat)
        beat.add_done_callback(self._beats.discard)

    async def _ask(self, held: Held) -> None:
        handle, asked = held.handle, now()
        why = await self._times.ask((handle, self._hidden_s))
        if handle != held.handle or held.beat_at == math.inf:
            return  # handed out again meanwhile, which hides it too; or over
        if why is None:
            self._hand.renew(held, asked)
        elif why is Why.GONE and not held.has_landed:  # what has landed is being deleted: of course it is gone
            self._expired(held)

    def _expired(self, held: Held) -> None:
        held.beat_at = math.inf
        self.expired += 1
        times = self._seldom.due("expired")
        if times:
            log.warning(
                "queue %s: %d messages were not hidden for long enough, and may come twice; "
                "raise intake.sqs.visibility_seconds if this goes on",
                self._name,
                times,
            )

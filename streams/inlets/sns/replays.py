"""Remembers which messages have landed, so that one that SNS posts again is answered and not published again.

SNS posts a message again under the same id where our answer came late or got lost. Only what has landed counts: a
message whose landing failed must come again, and one whose landing is under way is waited for. Generations make a
ring; the oldest is forgotten whole. A restart forgets all, which does no harm: an event that lands twice is one
event to whoever reads it, by its feedback id.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from hashlib import blake2b

from streams.inlets.sns.digests import SIZE, Digests

_GENERATIONS = 4


class Replays:
    """Lands each message once."""

    def __init__(self, clock: Callable[[], int], *, remember_ms: int = 3_600_000, most: int = 1_000_000) -> None:
        """Remember nothing yet.

        Args:
            clock: ms since the epoch.
            remember_ms: how long a message that landed is remembered, at least, where there are not too many.
            most: that are remembered; at least three quarters of them, the newest, whatever the time.

        """
        self._clock = clock
        self._span_ms = -(-remember_ms // (_GENERATIONS - 1))
        self._most_each = max(most // _GENERATIONS, 1)
        self._ring: deque[Digests] = deque([Digests(self._most_each)], maxlen=_GENERATIONS)
        self._began = clock()
        self._under_way: dict[bytes, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._ring))

    async def once(self, message_id: str, land: Callable[[], Awaitable[None]]) -> bool:
        """Land a message unless it has landed; return False for one that had, or that did while we waited for it.

        That whoever asked is gone does not end a landing. What *land* raises is raised to everybody who waits, and the
        message may be landed again.
        """
        digest = blake2b(message_id.lower().encode(), digest_size=SIZE).digest()
        self._turn()
        if any(digest in generation for generation in self._ring):
            return False
        there = self._under_way.get(digest)
        if there is not None:
            await asyncio.shield(there)
            return False
        landing = asyncio.ensure_future(_run(land))
        self._under_way[digest] = landing
        landing.add_done_callback(lambda done: self._landed(digest, done))
        await asyncio.shield(landing)
        return True

    def _landed(self, digest: bytes, done: asyncio.Future[None]) -> None:
        """Take down how a landing ended."""
        del self._under_way[digest]
        if not done.cancelled() and done.exception() is None:  # also tells asyncio that somebody looked
            self._turn()
            self._ring[0].add(digest)

    def _turn(self) -> None:
        """Begin a new generation where this one is old or full, and forget those that are too old."""
        now = self._clock()
        turns = min((now - self._began) // self._span_ms, _GENERATIONS)
        for _ in range(max(turns, int(self._ring[0].is_full))):
            self._ring.appendleft(Digests(self._most_each))
            self._began = now


async def _run(land: Callable[[], Awaitable[None]]) -> None:
    await land()

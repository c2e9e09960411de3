"""Tells the life of a mail for a worker: looks for its records on a thread, for brokers are waited for there.

Two looks at a time are enough: what a worker is for must not wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property

from streams.answers.model import Trace
from streams.answers.search import search
from streams.answers.trace import trace
from streams.emit.codec import codec_of
from streams.emit.windows import Windows
from streams.mail.policy import Policy
from streams.schemas.codec import Codec
from streams.settings import Settings

AT_ONCE = 2


class Tracing:
    """Traces mails."""

    def __init__(self, settings: Settings, policy: Policy, now: Callable[[], int]) -> None:
        """Connect to nothing yet."""
        self._settings, self._policy, self._now = settings, policy, now
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def trace(self, message_id: str, stored: bytes | None) -> Trace:
        """Return the life of a mail.

        Raises:
            WorldFailed: the brokers, or the registry, fail us.

        """
        async with self._turns:
            return await asyncio.to_thread(self._trace, message_id, stored)

    @cached_property
    def _codec(self) -> Codec:
        """A codec of its own: this thread may wait for a registry, the hops' must not."""
        return codec_of(self._settings)

    def _trace(self, message_id: str, stored: bytes | None) -> Trace:
        with Windows(self._settings) as windows:
            found = search(message_id, stored, self._policy, self._now(), self._codec, windows.find)
        return trace(message_id, stored, found, self._policy, self._now(), self._codec)

"""Asks SES now and then what it allows, and tells the pace: at the start, and then every so often.

The quota changes by SES's own will (it grows with good mail, and other senders of the account use it up). What follows
from it is the pace's affair.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol

from streams.dispatch.road import Road
from streams.mail.letter import Quota

log = logging.getLogger(__name__)

_JITTER = 0.1  # a tenth up or down: GetAccount is for one call a second, and all workers start together


class Learner(Protocol):
    """Whoever wants to know the quota."""

    def learned(self, quota: Quota | None, now: int) -> None:
        """Take note of what SES allows; None where it does not say. *now* is in ms since the epoch."""


class QuotaWatch:
    """Asks *road* for the quota every *every_s* seconds, and tells *pace*."""

    def __init__(
        self,
        road: Road,
        pace: Learner,
        every_s: float,
        clock: Callable[[], int],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Keep all; *clock* says the time in ms since the epoch, *chance* a number from 0 to 1 for the jitter."""
        self._road = road
        self._pace = pace
        self._every = every_s
        self._clock = clock
        self._chance = chance
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ask once, and return when the pace knows the answer; go on asking from then on."""
        await self._ask()
        self._task = asyncio.create_task(self._go_on(), name="quota watch")
        self._task.add_done_callback(_say_if_dead)

    async def stop(self) -> None:
        """Stop asking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _go_on(self) -> None:
        """Ask again and again."""
        while True:
            await asyncio.sleep(self._every * (1 + _JITTER * (2 * self._chance() - 1)))
            await self._ask()

    async def _ask(self) -> None:
        """Ask once."""
        self._pace.learned(await self._road.quota(), self._clock())


def _say_if_dead(task: asyncio.Task[None]) -> None:
    """Say that nobody asks any more: mails then go at the pace last learned."""
    if not task.cancelled() and task.exception() is not None:
        log.error("SES is no longer asked for its quota", exc_info=task.exception())

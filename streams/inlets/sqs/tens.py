"""Gathers what is asked for single messages into calls for ten: from all pollers of a queue, within milliseconds.

SQS bills by the call, and a batch costs what a single one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from streams.inlets.sqs.calls import MOST, Amiss, Answers, Why

T = TypeVar("T")

GATHER_S = 0.005
"""How long the first waits for others."""


class Tens(Generic[T]):
    """One kind of call."""

    def __init__(self, call: Callable[[Sequence[T]], Awaitable[Answers]]) -> None:
        """Ask by *call*, which takes up to 10 entries and answers each."""
        self._call = call
        self._gathered: list[tuple[T, asyncio.Future[Why | None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, entry: T) -> Why | None:
        """Return the answer for *entry*; None where it was done."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Why | None] = loop.create_future()
        self._gathered.append((entry, answer))
        if len(self._gathered) >= MOST:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(GATHER_S, self._send)
        return await answer

    async def stop(self) -> None:
        """Leave what is under way."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        asked, self._gathered = self._gathered, []
        task = asyncio.get_running_loop().create_task(self._carry(asked))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry(self, asked: Sequence[tuple[T, asyncio.Future[Why | None]]]) -> None:
        try:
            answers = await self._call([entry for entry, _ in asked])
        except Amiss as amiss:
            answers = [amiss.why] * len(asked)
        except asyncio.CancelledError:
            for _, future in asked:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours: whoever asked must hear of it, or would wait for ever
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), why in zip(asked, answers, strict=True):
            if not future.done():
                future.set_result(why)

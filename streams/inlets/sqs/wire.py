"""The calls of one queue, and how they fare: what fails is counted, said once a minute, and rested from.

Each call has its own pause. Nothing is received while deletions fail: it would only come again. Whether they work
again is found out by a call for no message at all.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from streams.inlets.sqs.calls import Amiss, Answers, Calls, Message, Why
from streams.inlets.sqs.pause import Pause, Seldom, now
from streams.inlets.sqs.trouble import FATAL

log = logging.getLogger(__name__)

T = TypeVar("T")

PASSING_S = 5.0
"""How long a throttle or a lost connection may last before it is trouble that others should know of."""
_NO_HANDLE = "none"  # of no message: who may delete is told that there is none, who may not is told that


class Wire:
    """What is asked of one queue; raises what its calls raise."""

    def __init__(self, calls: Calls, chance: Callable[[], float]) -> None:
        """Ask by *calls*; *chance*, a number from 0 to 1, is for the jitter."""
        self._calls = calls
        self.name = calls.name
        """The queue's name."""
        self._receiving, self._deleting, self._hiding = Pause(chance), Pause(chance), Pause(chance)
        self._harmless: dict[Pause, Callable[[], Awaitable[Answers]]] = {
            self._deleting: lambda: self.delete([_NO_HANDLE]),
            self._hiding: lambda: self.hide([(_NO_HANDLE, 0)]),
        }
        self._last: dict[Pause, Amiss] = {}
        self._seldom = Seldom()
        self.failures = Counter[Why]()
        """How many calls went amiss, by why."""

    async def check(self) -> None:
        """Find out whether we may delete and hide, by what changes nothing; raises Amiss where we may not."""
        for ask in self._harmless.values():
            try:
                await ask()
            except Amiss as amiss:
                if amiss.why in FATAL:
                    raise

    async def ready(self) -> None:
        """Return when it makes sense to receive more."""
        for pause, ask in self._harmless.items():
            while pause.since is not None:
                await pause.over()
                if pause.since is not None:
                    with suppress(Amiss):
                        await ask()
        await self._receiving.over()

    async def receive(self, most: int, wait_s: int, hidden_s: int) -> list[Message]:
        """Return up to *most* messages, hidden for *hidden_s*; wait up to *wait_s* for the first."""
        found = await self._watched(self._receiving, self._calls.receive(most, wait_s, hidden_s))
        self._receiving.well()
        return found

    async def delete(self, handles: Sequence[str]) -> Answers:
        """Delete up to 10 messages."""
        return self._entries(self._deleting, await self._watched(self._deleting, self._calls.delete(handles)))

    async def hide(self, times: Sequence[tuple[str, int]]) -> Answers:
        """Hide up to 10 messages for so many seconds from now."""
        return self._entries(self._hiding, await self._watched(self._hiding, self._calls.hide(times)))

    @property
    def troubles(self) -> Iterator[str]:
        """Yield what is amiss for longer than a moment."""
        for pause, amiss in self._last.items():
            if pause.since is not None and (amiss.why in FATAL or now() - pause.since > PASSING_S):
                yield str(amiss)

    async def _watched(self, pause: Pause, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except Amiss as amiss:
            if amiss.why is Why.GONE:  # SQS does as it is asked; some say so of the whole call
                pause.well()
            else:
                self._failed(pause, amiss)
            raise

    def _entries(self, pause: Pause, answers: Answers) -> Answers:
        """Take down single entries that failed; where none was done, it is the queue's trouble."""
        wrong = [why for why in answers if why is not None and why is not Why.GONE]
        if len(wrong) < len(answers):
            pause.well()
        if wrong:
            words = f"queue {self.name}: SQS did not do {len(wrong)} of {len(answers)} things as asked ({wrong[0]})"
            self._failed(pause if len(wrong) == len(answers) else None, Amiss(wrong[0], words))
        return answers

    def _failed(self, pause: Pause | None, amiss: Amiss) -> None:
        if pause is not None:
            pause.failed()
            self._last[pause] = amiss
        self.failures[amiss.why] += 1
        times = self._seldom.due(amiss.why)
        if times:
            log.warning("%s (%d times since this was last said); it is tried again", amiss, times)

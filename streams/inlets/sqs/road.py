"""The road by SQS as a whole: its queues, from start to stop, what keeps it from working, and its figures."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from streams.errors import WorldFailed
from streams.inlets.sorting import Sorter
from streams.inlets.sqs.aws import open_queue
from streams.inlets.sqs.brokers import Brokers, Lands
from streams.inlets.sqs.calls import Amiss, Calls, Why
from streams.inlets.sqs.carrier import Means
from streams.inlets.sqs.line import Line
from streams.inlets.tally import Tally
from streams.settings.intake import Sqs

Open = Callable[[Sqs, str], AbstractAsyncContextManager[Calls]]
"""Opens the queue at a URL."""


class SqsRoad:
    """Reads the queues of the settings."""

    def __init__(  # noqa: PLR0913 - each is another part of the intake, and has a name
        self,
        settings: Sqs,
        sorter: Sorter,
        landing: Lands,
        tally: Tally,
        *,
        clock: Callable[[], int],
        on_failure: Callable[[WorldFailed], None],
        patience_s: float = 15.0,
        opening: Open = open_queue,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Nothing is asked yet.

        Args:
            settings: which queues, and how.
            sorter: says what a message becomes.
            landing: where that goes; it runs from before our start until after our stop.
            tally: counts.
            clock: the time, ms since the epoch.
            on_failure: told of a fault of ours, after which messages would be left.
            patience_s: how long, when we stop, what is in hand may take to land and be deleted.
            opening: opens a queue; AWS's, or a test's.
            chance: a number from 0 to 1, for jitter.

        """
        self._settings, self._opening, self._on_failure = settings, opening, on_failure
        self._patience_s = patience_s
        brokers = Brokers(landing, chance)
        self._means = Means(sorter=sorter, brokers=brokers, tally=tally, clock=clock, chance=chance)
        self._lines: list[Line] = []
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Begin to read.

        Raises:
            WorldFailed: a queue is not there, or not for us; the words say which, and what to do.
            BadSettings: no client can be made.

        """
        try:
            await self._begin()
        except Amiss as amiss:
            await self.stop()
            raise WorldFailed(str(amiss)) from amiss
        except BaseException:
            await self.stop()
            raise

    async def _begin(self) -> None:
        for url in self._settings.queues:
            calls = await self._open.enter_async_context(self._opening(self._settings, url))
            self._lines.append(Line(calls, self._settings, self._means, self._on_failure))
        ends = await asyncio.gather(*(line.start() for line in self._lines), return_exceptions=True)
        for failure in filter(None, ends):  # all have ended: none goes on while we stop
            raise failure

    async def stop(self) -> None:
        """Receive no more; what is in hand lands and is deleted, or is given back; twice is once."""
        lines, self._lines = self._lines, []
        await asyncio.gather(*(line.stop(self._patience_s) for line in lines))
        await self._open.aclose()

    @property
    def troubles(self) -> Iterator[str]:
        """Yield what keeps queues from being read, in words that name no mail."""
        for line in self._lines:
            yield from line.wire.troubles

    def figures(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """Return the road's own metrics, by name and label values; for Metrics.look_up."""
        failures = sum((line.wire.failures for line in self._lines), Counter[Why]())
        return {
            "ses_sqs_in_hand": {(): float(sum(len(line.hand) for line in self._lines))},
            "ses_sqs_wait_seconds": {(): max((line.waited_s for line in self._lines), default=0.0)},
            "ses_sqs_expired_total": {(): float(sum(line.heart.expired for line in self._lines))},
            "ses_sqs_failed_calls_total": {(why,): float(count) for why, count in failures.items()},
        }

"""Asks the brokers now and then what the fetches do not say: where partitions end, and whether topics are still there.

A partition that is not fetched any more has no lag, as far as fetches know, and a topic that was deleted is passed
over by Faust's assignor with a line in the log. So this asks by a client of its own, which shares nothing with the
consumer that may hang.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.engine.config import EngineConfig
from streams.engine.preflight import described
from streams.errors import WorldFailed

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""Before what was found wrong is looked at again: a broker that has just started may not know all yet."""


class Survey:
    """Looks every *config.stall* / 2, and soon after each assignment."""

    def __init__(
        self,
        config: EngineConfig,
        owned: Callable[[], Iterable[TP]],
        on_fail: Callable[[BaseException, str], None],
    ) -> None:
        """Know nothing yet."""
        self._config, self._owned, self._on_fail = config, owned, on_fail
        self._ends: dict[TP, int] = {}
        self._expected: Mapping[str, int] = {}
        self._soon = asyncio.Event()

    def expect(self, counts: Mapping[str, int]) -> None:
        """Take the topics that must be there, with their numbers of partitions."""
        self._expected = dict(counts)

    def look_soon(self) -> None:
        """Have the next look at once."""
        self._soon.set()

    def end(self, tp: TP, fetched: int | None) -> int | None:
        """Return a partition's end: what the last fetch said, or a look where that knows more; None while unknown."""
        looked = self._ends.get(tp)
        return fetched if looked is None else max(looked, fetched or 0)

    async def run(self) -> None:
        """Look until cancelled; a look that fails is made again, for other parts see to it that brokers are there."""
        while True:
            try:
                await self._look()
            except (KafkaError, OSError, TimeoutError) as exc:
                log.warning("the brokers could not be asked where partitions end: %s", type(exc).__name__)
            self._soon.clear()
            try:
                async with asyncio.timeout(self._config.stall / 2000):
                    await self._soon.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        wrong = await self._wrong()
        if wrong:
            await asyncio.sleep(AGAIN_S)
            wrong = await self._wrong()
        if wrong:
            self._on_fail(WorldFailed(f"{'; '.join(wrong)}. Run: ses-streams topics check"), "topics")
            return
        asked = [TopicPartition(*tp) for tp in self._owned()]
        self._ends = {TP(*tp): end for tp, end in (await self._asked(asked)).items()} if asked else {}

    async def _wrong(self) -> list[str]:
        """Return what is no longer as it was at the start, in words."""
        found = await described(self._config, set(self._expected))
        wrong = [f"{topic} is not there any more" for topic in sorted(self._expected) if topic not in found]
        return wrong + [
            f"{topic} has {found[topic]} partitions, and had {count}"
            for topic, count in sorted(self._expected.items())
            if found.get(topic, count) != count
        ]

    async def _asked(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(
            client_id=self._config.group,
            bootstrap_servers=list(self._config.brokers),
            isolation_level="read_committed",
            enable_auto_commit=False,
            request_timeout_ms=self._config.request_timeout,
            **self._config.security.client_options(),
        )
        try:
            await consumer.start()
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
        return ends

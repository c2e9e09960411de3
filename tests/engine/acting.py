"""Builders for hops that act: a hop whose answers a test writes, errands that a test ends, a producer in memory."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faust.types import TP

from streams.engine.config import EngineConfig
from streams.engine.delivery import Delivery
from streams.engine.lane import Lane
from streams.engine.lanes import Lanes, Line
from streams.engine.membership import Membership
from streams.engine.producer import Written
from streams.engine.rocks import Tuning
from streams.engine.route import Route, Timings
from streams.engine.store import Store
from streams.pipeline import Batch, Chunk, Effects, Recall

TUNING = Tuning(8 << 20, 8 << 20, 1)
AN_HOUR = 3_600_000
"""A wake interval that no test waits for: who is woken within it was woken by name."""
PATIENCE_S = 30.0


@dataclass(eq=False)
class Trip:
    """An errand: it does what *way* does, and counts how often it was over."""

    key: bytes
    way: Callable[[], Awaitable[Any]]
    ended: int = 0
    begun: bool = False

    async def run(self) -> Any:
        self.begun = True
        return await self.way()

    def over(self) -> None:
        self.ended += 1


class Courier:
    """Answer with what the test put into *answers* for work; take down what else it is asked and told."""

    name = "courier"

    def __init__(self, *answers: Effects) -> None:
        self.answers = deque(answers)
        self.worked: list[tuple[str, bytes | None]] = []
        self.results: list[list[tuple[bytes, Any]]] = []
        self.woken: list[tuple[bytes, int]] = []
        self.parts: list[float] = []
        self.full: set[str] = set()
        self.asked = 0
        self.on_heard: Callable[[int], Effects] = lambda _: Effects()
        self.on_wake: Callable[[int], Effects] = lambda _: Effects()

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        self.worked += [(chunk.topic, key) for key in chunk.keys]
        return self.answers.popleft() if self.answers else Effects()

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        self.woken += [(key, now) for key in keys]
        return self.on_wake(now)

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]] | None:
        return None

    def heard(self, results: Sequence[tuple[bytes, Any]], recall: Recall, now: int) -> Effects:
        self.results.append(list(results))
        effects = self.on_heard(now)
        effects.writes.update({key: result for key, result in results if isinstance(result, bytes)})
        return effects

    def is_full(self, topic: str, now: int) -> bool:
        self.asked += 1
        return topic in self.full

    def shared(self, part: float) -> None:
        self.parts.append(part)


class Slate:
    """A producer in memory that takes its time: whoever does not wait for it is found out."""

    def __init__(self) -> None:
        self.written: dict[tuple[str, int], list[tuple[bytes, bytes | None]]] = {}
        self.refuses: Exception | None = None
        self.holds = asyncio.Event()
        self.holds.set()

    async def append(
        self, topic: str, partition: int, keys: Sequence[bytes], values: Sequence[bytes | None], now: int
    ) -> Written:
        for _ in range(5):
            await asyncio.sleep(0)
        await self.holds.wait()
        if self.refuses is not None:
            raise self.refuses
        run = self.written.setdefault((topic, partition), [])
        run += zip(keys, values, strict=True)
        return Written(len(run) - len(keys), len(run) - 1, 0.0)

    async def publish(self, topic: str, batch: Batch, count: int, now: int) -> float:
        await self.append(topic, 0, batch.keys, batch.values, now)
        return 0.0


@dataclass
class Crew:
    """Lanes of one hop over the inputs a and b, with all that they need; nothing is mocked but the broker."""

    hop: Any
    home: Path
    partitions: int = 4
    stop_timeout: int = 120_000
    wake_interval: int = AN_HOUR
    chunk_records: int = 4_000
    slate: Slate = field(default_factory=Slate)
    failures: list[tuple[str, str]] = field(default_factory=list)
    told: list[tuple[Effects, Timings]] = field(default_factory=list)
    stores: dict[int, Store] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.membership = Membership(45_000)
        config = EngineConfig(
            brokers=("127.0.0.1:1",),
            group="g",
            data_dir=self.home,
            partitions=self.partitions,
            stop_timeout=self.stop_timeout,
            wake_interval=self.wake_interval,
            chunk_records=self.chunk_records,
        )
        self.lanes = Lanes(config, self.membership, self._fail, lambda: None)

    def _fail(self, error: BaseException, where: str) -> None:
        self.failures.append((where, f"{type(error).__name__}: {error}"))

    def counted(self, hop: str, partition: int, counts: Counter[tuple[str, ...]] | None) -> None:
        """Be a witness that counts nothing."""

    def done(self, hop: str, partition: int, effects: Effects, timings: Timings) -> None:
        self.told.append((effects, timings))

    def open(self, partition: int = 0) -> None:
        line = Line(hop=self.hop, inputs=("a", "b"), outputs=(), table="t", changelog="changelog", witness=self)
        route = Route(hop=self.hop, outputs={"out": ("out", 1)}, changelog="changelog", witness=self)
        self.stores[partition] = store = Store(self.home / str(partition), TUNING)
        self.lanes.open(line, route, partition, store, self.slate)  # type: ignore[arg-type] # a slate is no Faust service

    def lane(self, partition: int = 0) -> Lane:
        return self.lanes._lanes[TP("a", partition)]

    def put(self, *keys: bytes, topic: str = "a", partition: int = 0) -> Delivery:
        chunk = Chunk(topic=topic, partition=partition, keys=list(keys), values=[b""] * len(keys), offsets=[0])
        delivery = Delivery(TP(topic, partition), chunk, 0, 1, generation=1, began=0, timestamp=0, seconds=0.0)
        self.lanes.put(delivery)
        return delivery

    def changelog(self, partition: int = 0) -> list[tuple[bytes, bytes | None]]:
        return self.slate.written.get(("changelog", partition), [])


async def until(holds: Callable[[], object]) -> None:
    """Wait until *holds*; fail in the end, so that nothing hangs."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for is in the parts under test, which have no event for it
            await asyncio.sleep(0.001)


async def some_turns() -> None:
    """Let everything in the loop have many turns."""
    for _ in range(200):
        await asyncio.sleep(0)

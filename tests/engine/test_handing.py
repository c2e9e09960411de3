"""In which order what one fetch brought is handed on: a send before what became of it, or much would be parked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from streams.engine.consumer import ChunkConsumer
from streams.engine.fetch import Run
from streams.engine.lines import Lines
from tests.engine.toy import Ledgerer

TOPICS = {"sends": "ses.sends", "feedback": "ses.feedback", "outcomes": "ses.outcomes"}


class Handing(ChunkConsumer):
    """The consumer after one fetch, of which nothing but the handing on is true."""

    def __init__(self, runs: Mapping[TopicPartition, Run]) -> None:
        lines = Lines("g", TOPICS)
        lines.add(Ledgerer(), ["sends", "feedback"], [], "lives", None, [])
        lines.add(Ledgerer(), ["outcomes"], [], "standings", None, [])
        engine: Any = SimpleNamespace(lines=lines, role_of=lines.role_of, config=SimpleNamespace(partitions=4))
        self.app: Any = SimpleNamespace(engine=engine, consumer_generation_id=1)
        self.flow_active = True
        self.suspend_flow: Any = asyncio.Event()
        self._active_partitions = set()
        self._thread: Any = SimpleNamespace(getmany=self._fetched)
        self.ledger: Any = SimpleNamespace(enter=lambda _: None)
        self.runs, self.handed = runs, list[str]()
        self.callback: Any = self._handed

    async def _fetched(self, *_: Any) -> tuple[int, Mapping[TopicPartition, Run]]:
        return 1, self.runs

    def _is_changelog_tp(self, tp: Any) -> bool:
        return False

    async def _handed(self, message: Any) -> None:
        self.handed.append(message.value.tp.topic)

    async def wait_first(self, *waited: Any, **_: Any) -> Any:
        await waited[0]
        waited[1].close()


@pytest.mark.parametrize("order", [["feedback", "outcomes", "sends"], ["sends", "outcomes", "feedback"]])
async def test_sends_are_handed_on_before_the_feedback_that_came_with_them(order: list[str]) -> None:
    places = [TopicPartition(TOPICS[role], partition) for role in order for partition in range(2)]
    consumer = Handing({tp: Run(0, 1, [b"k"], [b"v"], [0]) for tp in places})
    await consumer._fetch_and_hand_on()
    assert len(consumer.handed) == len(places)
    assert set(consumer.handed[-2:]) == {TOPICS["feedback"]}

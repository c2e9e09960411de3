"""The producer's queue: who came first leaves first, whatever the library does with those that wait."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.engine.producer import ChunkProducer
from streams.engine.sending import ASK_S, ask_slowly
from streams.engine.watchdog import Awake


class Line:
    """A producer that lets one batch a partition wait, as aiokafka does, and tells who was let in, in which order."""

    def __init__(self) -> None:
        self.inside: set[tuple[str, int]] = set()
        self.crowds = 0
        self.order: list[tuple[str, int, object]] = []

    async def send_batch(self, builder: object, topic: str, *, partition: int) -> asyncio.Future[Any]:
        place = (topic, partition)
        self.crowds += place in self.inside
        self.inside.add(place)
        await asyncio.sleep(0)
        self.inside.discard(place)
        self.order.append((topic, partition, builder))
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future


def producer_over(line: Line) -> ChunkProducer:
    config = SimpleNamespace(outstanding_batches=64)
    producer = ChunkProducer.__new__(ChunkProducer)
    producer.app = cast("Any", SimpleNamespace(engine=SimpleNamespace(config=config, awake=Awake())))
    producer._prepare_queue()
    setattr(producer, "_ensure_producer", lambda: line)  # noqa: B010 # mypy will not have a method assigned
    return producer


async def test_batches_for_one_partition_wait_in_the_order_in_which_they_came() -> None:
    line = Line()
    producer = producer_over(line)

    async def lane(name: str) -> None:
        for number in range(20):
            await producer._submit(cast("Any", f"{name}{number}"), "out", 0)

    await asyncio.gather(*(lane(name) for name in "abcd"))
    assert line.crowds == 0
    assert [str(builder)[0] for _, _, builder in line.order] == list("abcd") * 20


async def test_batches_for_different_partitions_do_not_wait_for_each_other() -> None:
    line = Line()
    producer = producer_over(line)
    await asyncio.gather(*(producer._submit(cast("Any", partition), "out", partition) for partition in range(4)))
    assert {partition for _, partition, _ in line.order} == {0, 1, 2, 3}


class Silent(Line):
    """A producer whose broker does not answer."""

    async def send_batch(self, builder: object, topic: str, *, partition: int) -> asyncio.Future[Any]:
        del builder, topic, partition
        return asyncio.get_running_loop().create_future()


def producer_that_waits() -> ChunkProducer:
    producer = producer_over(Silent())
    producer._producer = None
    return producer


async def test_a_lane_that_is_cut_short_takes_no_commit_with_it() -> None:
    """Faust would end its committing for good, and say nothing: a cancelled task of its is none that failed."""
    producer = producer_that_waits()
    future = await producer._submit(cast("Any", "batch"), "out", 0)

    async def lane() -> None:
        await future

    working, committing = asyncio.create_task(lane()), asyncio.create_task(producer.flush())
    await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait({working, committing})
    assert future.cancelled()
    assert not committing.cancelled()


async def test_a_batch_that_was_not_taken_fails_a_commit() -> None:
    producer = producer_that_waits()
    future = await producer._submit(cast("Any", "batch"), "out", 0)
    committing = asyncio.create_task(producer.flush())
    await asyncio.sleep(0)
    future.set_exception(KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await committing


class Crowded(Line):
    """A producer in whose queue there is no place for a while; the batch that has it is still on its way."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    async def send_batch(self, builder: object, topic: str, *, partition: int) -> asyncio.Future[Any]:
        if self.order:
            self.refusals -= 1
            if self.refusals >= 0:
                raise KafkaTimeoutError
        self.order.append((topic, partition, builder))
        return asyncio.get_running_loop().create_future()


async def test_a_lane_waits_for_a_place_in_the_queue_for_as_long_as_the_batch_before_it_may_take() -> None:
    line = Crowded(refusals=3)
    producer = producer_over(line)
    await producer._submit(cast("Any", "first"), "out", 0)
    await producer._submit(cast("Any", "second"), "out", 0)
    assert [builder for _, _, builder in line.order] == ["first", "second"]
    assert line.refusals == -1


async def test_a_lane_for_which_no_batch_stands_in_the_way_is_told_that_it_took_too_long() -> None:
    line = Crowded(refusals=1)
    producer = producer_over(line)
    future = await producer._submit(cast("Any", "first"), "out", 0)
    future.set_result(None)
    await asyncio.sleep(0)
    with pytest.raises(KafkaTimeoutError):
        await producer._submit(cast("Any", "second"), "out", 0)


async def test_brokers_are_asked_where_partitions_are_no_oftener_than_ten_times_a_second() -> None:
    asked: list[float] = []

    async def ask() -> bool:
        asked.append(time.monotonic())
        return True

    client = SimpleNamespace(force_metadata_update=ask)
    ask_slowly(client)
    for _ in range(3):
        assert await client.force_metadata_update()
    assert min(later - sooner for sooner, later in pairwise(asked)) >= ASK_S / 2

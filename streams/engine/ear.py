"""What aiokafka hears from the brokers and keeps to itself, or only logs: we listen in, and the worker hears of it.

Refused by its group, aiokafka waits until somebody asks it for records in its own way, which we never do; a broker
that cannot read its own log is asked again for ever; an offset that retention has passed is moved without a word.
This runs in the consumer's thread, and tells the main loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka import errors
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from streams.engine.refusals import kind_of, passes, refused

log = logging.getLogger(__name__)

AGAIN_S = 0.5
"""Before the group is asked again after an error that passes."""
Jump = tuple[TopicPartition, int, int]


class Ear:
    """Listens to one aiokafka consumer.

    Args:
        on_fail: told what stops the worker, and where it was heard; from the consumer's thread.
        on_jump: told (partition, from, to) where fetching had to move on by itself; from the consumer's thread.

    """

    def __init__(self, on_fail: Callable[[BaseException, str], None], on_jump: Callable[[Jump], None]) -> None:
        """Listen to nothing yet."""
        self._on_fail = on_fail
        self._on_jump = on_jump
        self._out_of_range: dict[TopicPartition, int] = {}

    def listen(self, consumer: Any) -> None:
        """Listen to a consumer that has started, in its thread."""
        coordinator, fetcher = consumer._coordinator, consumer._fetcher
        push, send = coordinator._push_error_to_user, consumer._client.send

        async def _told(error: BaseException) -> Any:
            if passes(error):
                log.warning("group %s: %s; joining again", coordinator.group_id, kind_of(error).__name__)
                coordinator.request_rejoin()
                return await asyncio.sleep(AGAIN_S)
            self._on_fail(refused(error, f"group {coordinator.group_id}"), "consumer group")
            return await push(error)

        async def _sent(node: Any, request: Any, **words: Any) -> Any:
            response = await send(node, request, **words)
            if isinstance(request, FetchRequest):
                self._fetched(request, response)
            return response

        coordinator._push_error_to_user, consumer._client.send = _told, _sent
        coordinator._coordination_task.add_done_callback(self._ended)
        fetcher._fetch_task.add_done_callback(self._ended)

    def forget(self) -> None:
        """Forget what was heard of partitions that have gone."""
        self._out_of_range.clear()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Tell of a part of aiokafka that ended by an error: nobody else would notice."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_fail(error, "consumer")

    def _fetched(self, request: Any, response: Any) -> None:
        """Hear what a broker says of each partition that it was asked for."""
        codes = {(topic, part[0]): part[1] for topic, parts in response.topics for part in parts}
        if not self._out_of_range and not any(codes.values()):
            return
        for topic, parts in request.topics:
            for number, offset, _ in parts:
                self._answered(TopicPartition(topic, number), offset, codes.get((topic, number), 0))

    def _answered(self, tp: TopicPartition, offset: int, code: int) -> None:
        kind = errors.for_code(code)
        if kind is errors.NoError:
            came_from = self._out_of_range.pop(tp, None)
            if came_from is not None and came_from != offset:
                self._on_jump((tp, came_from, offset))
        elif kind is errors.OffsetOutOfRangeError:
            self._out_of_range.setdefault(tp, offset)
        elif kind is errors.CorruptRecordException:
            self._on_fail(refused(kind(), f"{tp.topic}/{tp.partition} offset {offset}"), "fetch")

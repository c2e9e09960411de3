"""aiokafka's sender, with two things more: it notes why a broker did not take a batch, and it can begin a new sequence.

An idempotent producer tries a batch for ever and only logs why; and a batch that it tried and that was then thrown
away would leave a gap in a sequence, after which the broker takes nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.producer.transaction_manager import NO_PRODUCER_EPOCH, NO_PRODUCER_ID, PidAndEpoch

Refused = dict[TopicPartition, KafkaError]
ASK_S = 0.1


class _Noting(SendProduceReqHandler):  # type: ignore[misc] # aiokafka says nothing of its types
    """One request, which notes why a batch was not taken, whether it is tried again or not."""

    def __init__(self, sender: Any, batches: Any, refused: Refused) -> None:
        super().__init__(sender, batches)
        self._refused = refused

    def _can_retry(self, error: KafkaError, batch: Any) -> bool:
        self._refused[batch.tp] = error
        return bool(super()._can_retry(error, batch))


def listen(sender: Any, refused: Refused) -> None:
    """Have a sender note in *refused*, by partition, why its last batch was not taken."""

    async def _send_and_note(node_id: int, batches: Mapping[TopicPartition, Any]) -> None:
        await _Noting(sender, batches, refused).do(node_id)
        sender._in_flight.remove(node_id)
        sender._muted_partitions.difference_update(batches)

    sender._send_produce_req = _send_and_note


def ask_slowly(client: Any) -> None:
    """Have a client wait a moment before it asks where partitions are.

    A sender that has a batch for a topic which was deleted asks again as soon as it is answered, a thousand times a
    second, and logs each answer: what stops the worker was buried under it.
    """
    ask = client.force_metadata_update

    async def _ask_in_a_moment() -> Any:
        await asyncio.sleep(ASK_S)
        return await ask()

    client.force_metadata_update = lambda: asyncio.ensure_future(_ask_in_a_moment())


def drop(accumulator: Any, unwanted: set[Any]) -> None:
    """Throw away those of *unwanted* batches that are queued, and forget them; what is on its way may come back."""
    if not unwanted:
        return
    for tp, queue in list(accumulator._batches.items()):
        for batch in [batch for batch in queue if batch in unwanted]:
            queue.remove(batch)
            batch.failure(CommitFailedError())
            for promise in (batch.future, batch._drain_waiter):
                promise.exception()  # seen: nobody waits for it any more
        if not queue:
            del accumulator._batches[tp]
    unwanted -= {batch for batch in unwanted if batch.future.done()}


def begin_anew(transactions: Any) -> None:
    """Have an idempotent producer get itself another id, before it sends again."""
    transactions._pid_and_epoch = PidAndEpoch(NO_PRODUCER_ID, NO_PRODUCER_EPOCH)
    transactions._pid_waiter = asyncio.get_running_loop().create_future()
    transactions._sequence_numbers.clear()

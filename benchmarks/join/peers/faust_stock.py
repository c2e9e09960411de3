"""The join in stock Faust: two agents and a table, as its User Guide has them.

Sends are in a RocksDB table with a changelog topic, by the driver that its extra
`faust-streaming[rocksdict]` brings; BENCH_STORE=memory keeps them in memory, with the same changelog. Keys and values
of the table are raw bytes. Settings are the defaults, but for what is set below.
A consumer of its own holds feedback back until all sends are read, which Faust itself cannot do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import Any

import faust
from faust.transport.consumer import ensure_TPset
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from benchmarks.join.peers.records import Wires, outcomes_of, suppressions_of
from benchmarks.join.peers.task import PARTITIONS, Progress, say, switch, told

TASK = told()
PROGRESS = Progress(TASK)
WIRES = Wires(TASK.schemas)
LINGER_S = 0.05
BATCH_BYTES = 131_072
FINISHED = asyncio.Event()


class GatedConsumer(driver.Consumer):
    """Faust's consumer, but it takes no feedback before all sends are read."""

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resume what may be read by now."""
        wanted = ensure_TPset(tps)
        super().resume_partitions(wanted if PROGRESS.open else {one for one in wanted if one.topic != TASK.feedback})


class GatedTransport(driver.Transport):
    """Faust's transport, with that consumer."""

    Consumer = GatedConsumer


class GatedApp(faust.App):
    """An app with that transport."""

    def _new_transport(self) -> Any:
        return GatedTransport(self.conf.broker_consumer, self)


def _app() -> faust.App:
    return GatedApp(
        TASK.group,
        broker=f"kafka://{TASK.brokers}",
        store="memory://" if switch("STORE", "rocksdb") == "memory" else "rocksdb://",
        datadir=TASK.home,
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_compression_type="zstd",
        producer_linger=LINGER_S,
        producer_max_batch_size=BATCH_BYTES,
    )


app = _app()
sends_topic = app.topic(TASK.sends, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
feedback_topic = app.topic(
    TASK.feedback, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
outcomes_topic = app.topic(TASK.outcomes, key_serializer="raw", value_serializer="raw")
suppressions_topic = app.topic(TASK.suppressions, key_serializer="raw", value_serializer="raw")
kept: Any = app.Table("kept", key_type=bytes, value_type=bytes, partitions=PARTITIONS)


@app.agent(sends_topic)
async def keep(stream: Any) -> None:
    """Keep every send under its message id."""
    async for key, value in stream.items():
        PROGRESS.sends_read()
        kept[key] = value
        if PROGRESS.open:
            app.consumer.resume_partitions({one for one in app.consumer.assignment() if one.topic == TASK.feedback})


@app.agent(feedback_topic)
async def join(stream: Any) -> None:
    """Join every event with its send, and tell each recipient's outcome."""
    async for key, value in stream.items():
        PROGRESS.feedbacks_read()
        await _tell(WIRES.feedback.decode(value), kept.get(key))
        if PROGRESS.complete:
            FINISHED.set()


async def _tell(event: dict[str, Any], send: bytes | None) -> None:
    for outcome in outcomes_of(event, None if send is None else WIRES.send.decode(send)):
        PROGRESS.kinds[outcome["kind"]] += 1
        await outcomes_topic.send(key=outcome["recipient"].encode(), value=WIRES.outcome.encode(outcome))
    for suppression in suppressions_of(event):
        value = WIRES.suppression.encode(suppression)
        await suppressions_topic.send(key=suppression["recipient"].encode(), value=value)


async def finish() -> None:
    """Flush and commit when everything is read, and end."""
    await FINISHED.wait()
    await app.producer.flush()
    while await app.consumer.commit():
        pass
    say(TASK, "done")
    os._exit(0)  # Faust's own way to stop leaves its group first, takes seconds, and ends with another code


app.task(finish)

if __name__ == "__main__":
    faust.Worker(app, loglevel="WARNING", quiet=True).execute_from_commandline()

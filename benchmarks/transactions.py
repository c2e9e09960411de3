"""What a transaction around each chunk's outputs would cost: the figures behind a decision.

Lanes write as the engine does: a chunk's outputs to every partition of some topics, then its changelog, each awaited.
Once with one idempotent producer, outputs then changelog; once in a transaction a chunk, with a producer a lane.
And how long a reader of committed records waits behind a lane that died in the midst of its transaction.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.machine import described
from tests.kafka.cluster import Cluster
from tests.kafka.node import Jvm

RESULTS = Path(__file__).parent / "results" / "transactions.ndjson"
PARTITIONS, OUTPUTS, LANES = 4, 3, 8
CHANGELOG = "changelog"
WARM_S, TIMEOUT_MS = 2.0, 10_000
VALUE = os.urandom(350) * 2

_turns: defaultdict[tuple[int, str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
Chunk = Callable[[AIOKafkaProducer, int], Awaitable[None]]


def main(words: list[str]) -> int:
    """Measure each way in turn, print the figures, and add them to the history."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='transactions", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="a way and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, nargs="+", default=[4, 400, 4000], help="of a chunk")
    said = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="ses-streams-bench-") as home:
        kafka = Cluster(Path(home), config={"transaction.max.timeout.ms": "60000"}, jvm=Jvm(heap_mb=1024, quick=False))
        with kafka:
            figures = asyncio.run(_measured(kafka.brokers, said))
    with RESULTS.open("a", encoding="utf-8") as history:
        for each in figures:
            line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **described(), **each}
            print(json.dumps(line))
            history.write(json.dumps(line) + "\n")
    return 0


async def _measured(brokers: str, said: argparse.Namespace) -> list[dict[str, Any]]:
    await _topics(brokers)
    figures = []
    for records in said.records:
        for turn in range(said.rounds):
            ways = ("idempotent", "transactional") if turn % 2 else ("transactional", "idempotent")
            figures += [await _way(brokers, way, records, said.seconds) for way in ways]
    figures.append({"benchmark": "transactions", "way": "abandoned", "reader_waited_s": await _abandoned(brokers)})
    return figures


async def _topics(brokers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    names = [CHANGELOG, *(f"out-{number}" for number in range(OUTPUTS))]
    await admin.create_topics([NewTopic(name, max(PARTITIONS, LANES), 1) for name in names])
    await admin.close()
    await asyncio.sleep(1)


async def _way(brokers: str, way: str, records: int, seconds: float) -> dict[str, Any]:
    """Let all lanes write for some seconds; return chunks a second, their times, and the processor time of each."""
    carry_out: Chunk = _in_one_transaction if way == "transactional" else _one_after_the_other
    if way == "transactional":
        producers = [_producer(brokers, lane) for lane in range(LANES)]
    else:
        producers = [_producer(brokers, None)] * LANES  # as the engine has: one for all lanes
    for producer in dict.fromkeys(producers):
        await producer.start()
    try:
        await asyncio.gather(*(_lane(p, lane, records, WARM_S, carry_out) for lane, p in enumerate(producers)))
        began, cpu = time.perf_counter(), time.process_time()
        took = await asyncio.gather(*(_lane(p, lane, records, seconds, carry_out) for lane, p in enumerate(producers)))
        lasted, cpu = time.perf_counter() - began, time.process_time() - cpu
    finally:
        for producer in dict.fromkeys(producers):
            await producer.stop()
    chunks = sorted(each for lane in took for each in lane)
    return {
        "benchmark": "transactions",
        "way": way,
        "records": records,
        "chunks_per_s": round(len(chunks) / lasted, 1),
        "chunk_ms_median": round(1000 * statistics.median(chunks), 2),
        "chunk_ms_p99": round(1000 * chunks[int(len(chunks) * 0.99)], 2),
        "cpu_ms_a_chunk": round(1000 * cpu / len(chunks), 3),
    }


def _producer(brokers: str, lane: int | None) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=brokers,
        acks="all",
        enable_idempotence=True,
        transactional_id=None if lane is None else f"lane-{lane}",
        transaction_timeout_ms=TIMEOUT_MS,
        linger_ms=0,
        max_batch_size=900_000,
        max_request_size=4 << 20,
        compression_type="zstd",
    )


async def _lane(producer: AIOKafkaProducer, lane: int, records: int, seconds: float, carry_out: Chunk) -> list[float]:
    until, took = time.perf_counter() + seconds, []
    while (began := time.perf_counter()) < until:
        await carry_out(producer, lane * 1_000_000 + records)
        took.append(time.perf_counter() - began)
    return took


async def _one_after_the_other(producer: AIOKafkaProducer, which: int) -> None:
    lane, records = divmod(which, 1_000_000)
    await asyncio.gather(*await _outputs(producer, records))
    await (await _batch(producer, CHANGELOG, lane, records))


async def _in_one_transaction(producer: AIOKafkaProducer, which: int) -> None:
    lane, records = divmod(which, 1_000_000)
    async with producer.transaction():
        sent = await _outputs(producer, records)
        await asyncio.gather(*sent, await _batch(producer, CHANGELOG, lane, records))


async def _outputs(producer: AIOKafkaProducer, records: int) -> list[Awaitable[Any]]:
    each = max(records // (OUTPUTS * PARTITIONS), 1)
    places = [(f"out-{number}", partition) for number in range(OUTPUTS) for partition in range(PARTITIONS)]
    return [await _batch(producer, topic, partition, each) for topic, partition in places[:records]]


async def _batch(producer: AIOKafkaProducer, topic: str, partition: int, records: int) -> Awaitable[Any]:
    builder = producer.create_batch()
    for number in range(records):
        if builder.append(key=b"%032d" % number, value=VALUE, timestamp=None) is None:
            break  # full: what a chunk's batches hold at most, is the same for both ways
    builder.close()
    async with _turns[id(producer), topic, partition]:  # first come, first served, as in the engine
        sent: Awaitable[Any] = await producer.send_batch(builder, topic, partition=partition)
    return sent


async def _abandoned(brokers: str) -> float:
    """Return how long a committed record lies unread behind a transaction that nobody ends (seconds)."""
    dead, alive = _producer(brokers, 99), _producer(brokers, None)
    reader = AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_committed", auto_offset_reset="latest")
    for each in (dead, alive, reader):
        await each.start()
    reader.assign([TopicPartition("out-0", 0)])
    await reader.seek_to_end()
    await dead.begin_transaction()
    await dead.send_and_wait("out-0", b"of a lane that dies", partition=0)
    began = time.perf_counter()
    await alive.send_and_wait("out-0", b"of another lane", partition=0)
    async for record in reader:
        if record.value == b"of another lane":
            break
    waited = time.perf_counter() - began
    for closing in (reader, alive):
        await closing.stop()
    dead._sender._sender_task.cancel()  # noqa: SLF001 - as a death would: its transaction is not to be ended in order
    return round(waited, 1)

"""A hop small enough to check by hand, and the worker process that runs it: ``python toy.py JSON``.

`Ledgerer` adds up amounts by key. Its state holds, beside the sum, how far each topic was counted, so a repeat changes
nothing and *emits nothing*: were state durable before outputs, a crash in between would lose outputs for good.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

from streams.engine.app import ChunkApp
from streams.engine.config import EngineConfig
from streams.engine.consumer import ChunkConsumer
from streams.engine.notary import Notary
from streams.engine.producer import ChunkProducer
from streams.engine.recovery import Recovery
from streams.pipeline import Chunk, Effects, Recall


class Ledgerer:
    """Add up amounts by key, each record once."""

    name = "ledgerer"

    def __init__(self, fail_at: str = "") -> None:
        """Raise at *fail_at* ("topic/partition/offset")."""
        self.fail_at = fail_at

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        effects = Effects()
        keys = [key for key in dict.fromkeys(chunk.keys) if key is not None]
        states = {key: json.loads(value or b'{"sum": 0}') for key, value in zip(keys, recall(keys), strict=True)}
        for key, value, offset in zip(chunk.keys, chunk.values, chunk.offsets, strict=True):
            if key is None or value is None:
                continue
            place = f"{chunk.topic}/{chunk.partition}/{offset}"
            if place == self.fail_at:
                raise RuntimeError(f"cannot bear {key!r}")
            state = states[key]
            if offset <= state.get(chunk.topic, -1):
                effects.counts[("repeats",)] += 1
                continue
            state["sum"] += int(value)
            state[chunk.topic] = offset
            effects.emit("out", key, place.encode())
        for key, state in states.items():
            effects.writes[key] = json.dumps(state).encode()
        return effects

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]]:
        return Counter({("sums",): len(values)}) if values else Counter()

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        return Effects()


class Alarm:
    """Ring once, when the time that a record names has come."""

    name = "alarm"

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        effects = Effects()
        for key, value in zip(chunk.keys, chunk.values, strict=True):
            if key is not None and value is not None:
                due = now + int(value)
                effects.writes[key] = b"%d" % due
                effects.wake.append((due, [key]))
        return effects

    def census(self, values: Sequence[bytes]) -> None:
        return None

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        effects = Effects()
        for key, value in zip(keys, recall(keys), strict=True):
            if value is None:
                continue
            if int(value) > now:  # woken too early, as after a recovery
                effects.wake.append((int(value), [key]))
                continue
            effects.emit("out", key, b"%d/%d" % (int(value), now))
            effects.writes[key] = None
        return effects


class Twofold:
    """Emit each record to two topics."""

    name = "twofold"

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        effects = Effects()
        for key, value in zip(chunk.keys, chunk.values, strict=True):
            if key is not None:
                effects.emit("out", key, value)
                effects.emit("b", key, value)
                effects.writes[key] = value
        return effects

    def census(self, values: Sequence[bytes]) -> None:
        return None

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        return Effects()


class Sleeper(Ledgerer):
    """Hold up everything: sleep in the midst of the event loop, which no hop may do."""

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        time.sleep(3600)
        return super().work(chunk, recall, now)


class Posting:
    """An errand that leaves its mark in a file, which outlives whatever happens to the worker."""

    def __init__(self, key: bytes, mailbox: Path, takes: float) -> None:
        self.key, self._mailbox, self._takes = key, mailbox, takes

    async def run(self) -> bytes:
        with self._mailbox.open("ab", buffering=0) as box:
            box.write(self.key + b"\n")
        await asyncio.sleep(self._takes)
        return b"posted"

    def over(self) -> None:
        """Need no telling."""


class Poster:
    """Post each key once, as far as can be known: what was meant and never heard of is left alone."""

    name = "poster"

    def __init__(self, mailbox: str, takes: float = 0.002) -> None:
        self.mailbox, self.takes = Path(mailbox), takes

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        effects = Effects()
        keys = [key for key in dict.fromkeys(chunk.keys) if key is not None]
        for key, value in zip(keys, recall(keys), strict=True):
            if value is None:
                effects.writes[key] = b"meant"
                effects.errands.append(Posting(key, self.mailbox, self.takes))
        return effects

    def heard(self, results: Sequence[tuple[bytes, Any]], recall: Recall, now: int) -> Effects:
        return Effects(writes=dict(results))

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        return Effects()

    def census(self, values: Sequence[bytes]) -> None:
        return None

    def is_full(self, topic: str, now: int) -> bool:
        return False

    def shared(self, part: float) -> None:
        """Take any."""


HOPS: dict[str, Callable[..., Any]] = {
    "ledgerer": Ledgerer,
    "alarm": Alarm,
    "poster": Poster,
    "twofold": Twofold,
    "sleeper": Sleeper,
}
DEADLY: dict[str, tuple[Any, str]] = {
    "sent": (Notary, "_send"),
    "published": (Notary, "_publish"),
    "logged": (Notary, "_log_changes"),
    "worked": (Notary, "carry_out"),
    "committed": (ChunkConsumer, "_commit"),
    "recovering": (Recovery, "_catch_up"),
}
"""Steps after which a worker can be told to die."""


def _die_after(step: str, times: int) -> None:
    """Kill this process with -9 once *step* has been done *times* times."""
    owner, name = DEADLY[step]
    original, left = getattr(owner, name), times

    async def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        result = await original(*args, **kwargs)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
        return result

    setattr(owner, name, deadly)


def _freeze_with_a_batch_queued(topic: str) -> None:
    """Stop this process (SIGSTOP) once, at the moment when a batch for *topic* is queued and has not left."""
    original, left = ChunkProducer._submit, 1

    async def freezing(self: ChunkProducer, builder: Any, to: str, partition: int) -> Any:
        nonlocal left
        future = await original(self, builder, to, partition)
        if to == topic and left:
            left -= 1
            os.kill(os.getpid(), signal.SIGSTOP)
        return future

    setattr(ChunkProducer, "_submit", freezing)  # noqa: B010 # mypy will not have a method assigned


def _hang_in_publishing(times: int) -> None:
    """Never get an answer to what is published the *times*-th time, nor after it."""
    original, left = Notary._publish, times

    async def hanging(self: Notary, effects: Effects, now: int) -> float:
        nonlocal left
        left -= 1
        if left <= 0:
            await asyncio.Event().wait()
        return await original(self, effects, now)

    setattr(Notary, "_publish", hanging)  # noqa: B010 # mypy will not have a method assigned


def _stop_fetching_once(there: Path) -> None:
    """Have aiokafka's fetcher ask for nothing any more, as soon as a file is there; all else goes on."""
    original = Fetcher._get_actions_per_node

    def idle(self: Fetcher, assignment: Any) -> Any:
        return ([], {}, 0.2, False, []) if there.exists() else original(self, assignment)

    setattr(Fetcher, "_get_actions_per_node", idle)  # noqa: B010 # mypy will not have a method assigned


async def _broken(self: ChunkApp) -> None:
    raise AttributeError("rest")


def main(asked: dict[str, Any]) -> int:
    """Run one hop over topics a and b until told to stop."""
    logging.getLogger("aiokafka").setLevel(os.environ.get("TOY_AIOKAFKA", "WARNING"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if "die" in asked:
        _die_after(*asked["die"])
    if "freeze" in asked:
        _freeze_with_a_batch_queued(asked["freeze"])
    if "hang" in asked:
        _hang_in_publishing(asked["hang"])
    if "fetch_until" in asked:
        _stop_fetching_once(Path(asked["fetch_until"]))
    if "broken_rest" in asked:
        setattr(ChunkApp, "rest", _broken)  # noqa: B010 # mypy will not have a method assigned
    config = EngineConfig(
        brokers=tuple(asked["broker"].split(",")),
        group=asked["group"],
        data_dir=Path(asked["data_dir"]),
        partitions=asked["partitions"],
        session_timeout=asked.get("session_timeout", 2_000),
        heartbeat_interval=400,
        commit_interval=asked.get("commit_interval", 200),
        chunk_records=asked.get("chunk_records", 500),
        idempotent=asked.get("idempotent", False),
        request_timeout=asked.get("request_timeout", 40_000),
        rebalance_timeout=asked.get("rebalance_timeout", 60_000),
        stop_timeout=asked.get("stop_timeout", 15_000),
        standbys=asked.get("standbys", 0),
        state_buffer_bytes=asked.get("state_buffer", 256 << 20),
        state_flush=asked.get("state_flush", 600_000),
        stall=asked.get("stall", 120_000),
        instance_id=asked.get("instance_id"),
    )
    engine = ChunkApp(config, asked["topics"])
    hop = HOPS[asked.get("hop", "ledgerer")](**asked.get("hop_args", {}))
    engine.add_hop(
        hop,
        inputs=asked.get("inputs", ["a", "b"]),
        outputs=asked.get("outputs", ["out"]),
        table="sums",
        first=asked.get("first", []),
    )
    return engine.run()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))

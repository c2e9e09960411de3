"""A worker of the product with something wrong in it: ``python -m tests.faults.rigged FILE``.

FILE holds JSON, a list of rigs with their words, as `rig.py` writes it; where it is not there, nothing is wrong. Some
rigs end the worker at a moment that chance would seldom find, or freeze it there. Others break the engine's order of
things: with them the checker is seen to see, for a test that passes on a broken worker proves nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

from streams.cli import main
from streams.engine.consumer import ChunkConsumer
from streams.engine.delivery import Delivery
from streams.engine.lane import Lane
from streams.engine.membership import Membership
from streams.engine.notary import Notary, Took
from streams.engine.place import Place
from streams.engine.producer import ChunkProducer, Written
from streams.engine.store import Store
from streams.engine.watchdog import Watchdog
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.pipeline import Chunk, Effects, Recall

STEPS: dict[str, tuple[Any, str]] = {
    "joined": (ByMessage, "work"),
    "judged": (ByRecipient, "work"),
    "leaving": (ChunkProducer, "_submit"),
    "published": (Notary, "_publish"),
    "logged": (Notary, "_log_changes"),
    "kept": (Store, "keep"),
    "committed": (ChunkConsumer, "_commit"),
    "recovering": (Place, "take"),
    "revoked": (ChunkConsumer, "on_partitions_revoked"),
    "assigned": (ChunkConsumer, "on_partitions_assigned"),
}
"""Steps of the way that a chunk goes, and a partition."""


def die(step: str, times: int) -> None:
    """Die (-9) as soon as *step* has been done *times* times."""
    owner, name = STEPS[step]
    _after(owner, name, times, lambda *_: _kill())


def die_committing(times: int) -> None:
    """Die while the *times*-th commit is on its way: nobody knows whether it arrives."""
    original, left = ChunkConsumer._commit, times

    async def rigged(self: ChunkConsumer, offsets: Any) -> bool:
        nonlocal left
        left -= 1
        if left:
            return await original(self, offsets)
        committing = asyncio.create_task(original(self, offsets))
        await asyncio.sleep(0.001)
        _kill()
        return await committing

    _replace(ChunkConsumer, "_commit", rigged)


def freeze_sending(topic: str, times: int) -> None:
    """Stop (SIGSTOP) when the *times*-th batch for a topic is queued, and has not left."""
    original, left = ChunkProducer._submit, times

    async def rigged(self: ChunkProducer, builder: Any, to: str, partition: int) -> Any:
        nonlocal left
        future = await original(self, builder, to, partition)
        left -= to.endswith(topic)
        if to.endswith(topic) and left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
        return future

    _replace(ChunkProducer, "_submit", rigged)


def fail(role: str, partition: int, offset: int) -> None:
    """Fail at one record: the fault of a hop that nobody has found yet."""
    for hop in (ByMessage, ByRecipient):
        _before(hop, "work", lambda chunk, *_: _fail_in(chunk, (role, partition), offset))


def stop_fetching(file: str) -> None:
    """Ask the brokers for no more records as soon as *file* is there; all else goes on."""
    original, there = Fetcher._get_actions_per_node, Path(file)

    def rigged(self: Fetcher, assignment: Any) -> Any:
        return ([], {}, 0.2, False, []) if there.exists() else original(self, assignment)

    _replace(Fetcher, "_get_actions_per_node", rigged)


def block(file: str) -> None:
    """Sleep in the midst of the event loop, which no hop may do, as soon as *file* is there."""
    there = Path(file)
    _before(ByMessage, "work", lambda *_: time.sleep(3600) if there.exists() else None)


def acknowledge_first() -> None:
    """Acknowledge a chunk, and commit it, before it is worked on."""
    original, began, consumers = Lane._work, ChunkConsumer.__init__, list[ChunkConsumer]()

    def begin(self: ChunkConsumer, *words: Any, **named: Any) -> None:
        began(self, *words, **named)
        consumers.append(self)

    async def rigged(self: Lane, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            delivery.done = True
        await consumers[0].commit()
        await original(self, deliveries)

    _replace(ChunkConsumer, "__init__", begin)
    _replace(Lane, "_work", rigged)


def publish_later(seconds: float) -> None:
    """Let outputs leave some seconds later, and wait for no answer."""
    original, running = Notary._publish, set[asyncio.Task[None]]()

    async def later(notary: Notary, effects: Effects, now: int) -> None:
        await asyncio.sleep(seconds)
        await original(notary, effects, now)

    async def rigged(self: Notary, effects: Effects, now: int) -> float:
        task = asyncio.create_task(later(self, effects, now))
        running.add(task)
        task.add_done_callback(running.discard)
        return 0.0

    _replace(Notary, "_publish", rigged)


def log_nothing() -> None:
    """Keep state on the disk alone, and write no changelog."""

    async def rigged(self: Notary, effects: Effects, now: int) -> Written | None:
        del now
        first, count = self.store.position, len(effects.writes)
        return Written(first, first + count - 1, 0.0) if count else None

    _replace(Notary, "_log_changes", rigged)


def keep_first() -> None:
    """Make state durable before the outputs."""

    async def rigged(self: Notary, effects: Effects, fired: Sequence[bytes], now: int) -> Took:
        written = await self._log_changes(effects, now)
        position = None if written is None else written.last + 1
        if effects.writes or effects.wake or fired:
            self.store.keep(effects.writes, position=position, wake=effects.wake, fired=fired, now=now)
        return Took(0.0, 0.0, await self._publish(effects, now), 0.0)

    _replace(Notary, "carry_out", rigged)


def pass_over() -> None:
    """Acknowledge what failed, and go on, as stock Faust does."""
    original = Lane._work

    async def rigged(self: Lane, deliveries: Sequence[Delivery]) -> None:
        try:
            await original(self, deliveries)
        except RuntimeError:
            self.inbox.done(deliveries)

    _replace(Lane, "_work", rigged)


def ask_nobody() -> None:
    """Write without asking whether the group still counts on us, and throw nothing away."""
    _replace(Membership, "fresh", property(lambda _: True))
    _replace(ChunkProducer, "disown", lambda _: None)


def read_nothing() -> None:
    """Pass over what changelogs hold, and take the store for whole."""
    original = Store.apply

    def rigged(self: Store, keys: Sequence[bytes], values: Any, *rest: Any) -> None:
        original(self, keys[:0], values[:0], *rest)

    _replace(Store, "apply", rigged)


def look_away() -> None:
    """Have no watchdog."""
    _replace(Watchdog, "look", lambda *_: None)


RIGS: dict[str, Callable[..., None]] = {
    rig.__name__: rig
    for rig in (
        die,
        die_committing,
        freeze_sending,
        fail,
        stop_fetching,
        block,
        acknowledge_first,
        publish_later,
        log_nothing,
        keep_first,
        pass_over,
        ask_nobody,
        read_nothing,
        look_away,
    )
}


def _after(owner: Any, name: str, times: int, act: Callable[..., None]) -> None:
    """Have *act* called once, when a method has been through *times* times."""
    original, left = getattr(owner, name), times

    def count(*words: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act(*words)

    async def awaited(*words: Any, **named: Any) -> Any:
        result = await original(*words, **named)
        count(*words)
        return result

    def called(*words: Any, **named: Any) -> Any:
        result = original(*words, **named)
        count(*words)
        return result

    _replace(owner, name, awaited if inspect.iscoroutinefunction(original) else called)


def _before(hop: Any, name: str, act: Callable[..., None]) -> None:
    original = getattr(hop, name)

    def rigged(self: Any, chunk: Chunk, recall: Recall, now: int) -> Effects:
        act(chunk)
        return original(self, chunk, recall, now)  # type: ignore[no-any-return] # a hop's own method

    _replace(hop, name, rigged)


def _fail_in(chunk: Chunk, place: tuple[str, int], offset: int) -> None:
    if (chunk.topic, chunk.partition) == place and offset in chunk.offsets:
        raise RuntimeError("a fault that nobody has found yet")


def _replace(owner: Any, name: str, by: Any) -> None:
    setattr(owner, name, by)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    for name, *its_words in json.loads(asked.read_text("utf-8")) if asked.exists() else []:
        RIGS[name](*its_words)
    sys.argv[1:] = ["worker"]
    main()

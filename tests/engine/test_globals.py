"""Global tables in whole workers on the embedded broker: complete before the first lane opens, and from then on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # it is there, its stubs do not say so

from streams.engine.app import ChunkApp
from streams.engine.config import EngineConfig
from streams.engine.follower import Follower
from streams.engine.globalstore import GlobalStore
from streams.engine.progress import State
from streams.errors import BadSettings, WorldFailed
from streams.pipeline import Chunk, Effects, Recall
from tests.engine.conftest import PARTITIONS, PATIENCE_S, Bench

KNOWN = 300
WIDE = 5
"""Partitions of the global topic: another number than the inputs have."""


class Asker:
    """Say what the global table holds for each key that comes."""

    name = "asker"

    def __init__(self) -> None:
        self.ask: Recall = lambda keys: [None] * len(keys)

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        effects = Effects()
        keys = [key for key in chunk.keys if key is not None]
        for key, value in zip(keys, self.ask(keys), strict=True):
            effects.emit("out", key, b"nothing" if value is None else value)
        return effects

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        return Effects()

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]] | None:
        return None


class Desk:
    """A bench with a global topic, and one engine at a time in this process."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.topic = f"{bench.group}.known"
        self.create_topic()

    def create_topic(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.bench.broker.address})
        for made in admin.create_topics([NewTopic(self.topic, WIDE, 1)]).values():
            made.result()

    def note(self, records: dict[bytes, bytes | None]) -> None:
        producer = Producer({"bootstrap.servers": self.bench.broker.address})  # librdkafka's own partitioner: foreign
        for key, value in records.items():
            producer.produce(self.topic, key=key, value=value)
        assert producer.flush(PATIENCE_S) == 0

    @property
    def home(self) -> Path:
        return self.bench.data_dir / self.bench.group / "global" / "known"

    def engine(self) -> tuple[ChunkApp, Recall]:
        config = EngineConfig(
            brokers=(self.bench.broker.address,),
            group=self.bench.group,
            data_dir=self.bench.data_dir,
            partitions=PARTITIONS,
            session_timeout=2_000,
            heartbeat_interval=400,
            commit_interval=100,
            chunk_records=50,
            idempotent=False,
            freeze=False,
        )
        engine = ChunkApp(config, {**self.bench.topics, "known": self.topic})
        asker = Asker()
        asker.ask = engine.add_global("known")
        engine.add_hop(asker, ["a", "b"], ["out"], "sums")
        return engine, asker.ask

    def failure(self) -> str:
        """Run an engine that is to fail; return what it says of it."""
        engine, _ = self.engine()
        codes: list[int] = []
        thread = threading.Thread(target=lambda: codes.append(engine.run()))
        thread.start()
        thread.join(PATIENCE_S)
        engine.request_stop()  # where it did not fail
        thread.join(PATIENCE_S)
        assert codes == [1]
        return str(engine.failure)

    @contextlib.contextmanager
    def working(self) -> Iterator[tuple[ChunkApp, Recall]]:
        """Run an engine in a thread; stop it in the end, and see that it stopped well."""
        engine, ask = self.engine()
        codes: list[int] = []
        thread = threading.Thread(target=lambda: codes.append(engine.run()))
        thread.start()
        try:
            yield engine, ask
        finally:
            engine.request_stop()
            thread.join(PATIENCE_S)
        assert codes == [0]

    def answers(self) -> dict[bytes, bytes | None]:
        return dict(self.bench.read(self.bench.topics["out"]))


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """Return a list that grows with every record that is applied to a copy."""
    keys: list[bytes | None] = []
    apply = GlobalStore.apply

    def noted(self: GlobalStore, partition: int, run: list[bytes | None], *rest: object) -> None:
        keys.extend(run)
        apply(self, partition, run, *rest)  # type: ignore[arg-type] # handed on as it came

    monkeypatch.setattr(GlobalStore, "apply", noted)
    return keys


def known(count: int = KNOWN) -> dict[bytes, bytes | None]:
    return {b"key-%d" % n: b"value-%d" % n for n in range(count)}


def test_no_lane_opens_before_the_global_table_has_caught_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    go, catch_up = threading.Event(), Follower.catch_up

    async def held(self: Follower) -> None:
        while not go.is_set():  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(0.01)
        await catch_up(self)

    monkeypatch.setattr(Follower, "catch_up", held)
    desk.note(known())
    desk.bench.feed("a", [(key, b"") for key in known()])
    with desk.working() as (engine, _):
        desk.bench.wait_for(lambda: len(engine._stores) == PARTITIONS and not engine.recovery._pending)
        assert engine.progress().state is State.RECOVERING
        assert not engine._lanes._lanes
        go.set()
        desk.bench.wait_for(lambda: len(desk.answers()) == KNOWN)
    assert desk.answers() == known()


def test_a_global_table_is_followed_and_goes_on_from_disk_after_a_restart(
    desk: Desk, applied: list[bytes | None]
) -> None:
    desk.note(known())
    with desk.working() as (engine, ask):
        desk.bench.wait_for(lambda: engine.is_running)
        assert ask([b"key-0", b"nobody"]) == [b"value-0", None]
        desk.note({b"key-0": None, b"late": b"1"})
        desk.bench.wait_for(lambda: ask([b"key-0", b"late"]) == [None, b"1"])
    assert len(applied) == KNOWN + 2
    with pytest.raises(WorldFailed, match="not open"):
        ask([b"late"])
    applied.clear()
    desk.note({b"meanwhile": b"2"})
    with desk.working() as (engine, ask):
        desk.bench.wait_for(lambda: engine.is_running)
        assert ask([b"key-0", b"key-1", b"late", b"meanwhile"]) == [None, b"value-1", b"1", b"2"]
    assert len(applied) <= WIDE + 1  # the last of each partition, and what is new


@pytest.mark.parametrize("what", ["disk", "topic"])
def test_a_global_table_whose_disk_or_topic_was_lost_follows_the_topic(desk: Desk, what: str) -> None:
    desk.note(known())
    with desk.working() as (engine, _):
        desk.bench.wait_for(lambda: engine.is_running)
    assert desk.home.is_dir()
    if what == "disk":
        shutil.rmtree(desk.home)
    else:
        desk.bench.delete_topics(desk.topic)
        desk.create_topic()
        desk.note({b"key-0": b"anew"})
    with desk.working() as (engine, ask):
        desk.bench.wait_for(lambda: engine.is_running)
        assert ask([b"key-0", b"key-1"]) == ([b"value-0", b"value-1"] if what == "disk" else [b"anew", None])


def test_a_global_table_that_fails_stops_the_worker_and_says_where(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise WorldFailed("disk full")

    desk.note(known())
    monkeypatch.setattr(GlobalStore, "apply", broken)
    failure = desk.failure()
    assert failure.startswith(f"global tables, {desk.topic}/")
    assert failure.endswith("disk full")


def test_a_global_topic_that_is_missing_is_named_at_the_start(desk: Desk) -> None:
    desk.bench.delete_topics(desk.topic)
    assert f"{desk.topic} is missing" in desk.failure()


def test_a_global_table_without_a_topic_is_refused(make_bench: Callable[[], Bench]) -> None:
    engine, _ = Desk(make_bench()).engine()
    with pytest.raises(BadSettings, match="elsewhere"):
        engine.add_global("elsewhere")

"""Tables seen from outside: whose a key is, by which URL its owner goes, and when a worker would rather not say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.types import TP

from streams.engine.app import ChunkApp
from streams.engine.assignor import Assignor
from streams.engine.faustapp import FaustApp
from streams.engine.rocks import Tuning
from streams.engine.store import Store
from streams.errors import BadSettings, NotOurs, NotReady
from streams.partition import partitions
from tests.engine.test_guards import config
from tests.engine.toy import Ledgerer

PARTS = 8
CHANGELOG = "g-sums-changelog"
KEYS = [f"key-{number}".encode() for number in range(50)]
Shares = dict[str, ConsumerProtocolMemberAssignment]


def worker(home: Path, url: str | None, **more: Any) -> ChunkApp:
    """Return a worker that is ready to join its group."""
    engine = ChunkApp(config(data_dir=home, partitions=PARTS, **more), {"a": "a", "out": "out"})
    engine.add_hop(Ledgerer(), ["a"], ["out"], "sums")
    engine.tables.url = url
    engine.faust = FaustApp(engine)
    engine.faust.follow("sums", CHANGELOG)
    return engine


def assignor(engine: ChunkApp) -> Assignor:
    return cast("Assignor", cast("FaustApp", engine.faust).assignor)


def share(leader: ChunkApp, members: dict[str, ChunkApp]) -> Shares:
    """Return what the leader of a group gives to its members."""
    topics = {"a", CHANGELOG}
    cluster = cast("Any", SimpleNamespace(partitions_for_topic=lambda _: set(range(PARTS))))
    joined = {name: assignor(one).metadata(topics) for name, one in members.items()}
    return cast("Shares", assignor(leader)._perform_assignment(cluster, joined))


class Group:
    """Two workers that have joined one group."""

    def __init__(self, home: Path, **more: Any) -> None:
        urls = {"one": "http://one:8080", "two": "http://two:8080"}
        self.workers = {name: worker(home / name, url, **more) for name, url in urls.items()}
        self.shares = share(self.workers["one"], self.workers)
        for name, each in self.workers.items():
            assignor(each).on_assignment(self.shares[name])

    def owner(self, key: bytes) -> str:
        """Return who was given the partition of a key."""
        place = partitions([key], PARTS)[0]
        (name,) = [name for name in self.shares if assignor(self.workers[name]).is_active(TP(CHANGELOG, place))]
        return name


@pytest.fixture
async def group(tmp_path: Path) -> Group:
    return Group(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store", Tuning(8 << 20, 8 << 20, 1))
    yield made
    made.close()


def give(engine: ChunkApp, key: bytes, store: Store, *, closing: bool = False) -> None:
    """Let a worker have the partition of a key, as after its recovery."""
    place = partitions([key], PARTS)[0]
    engine._stores[TP(CHANGELOG, place)] = store
    engine._lanes._lanes[TP("a", place)] = cast("Any", SimpleNamespace(is_closing=lambda: closing))


async def test_all_workers_know_whose_a_key_is_and_who_there_is(group: Group) -> None:
    for engine in group.workers.values():
        assert engine.tables.peers() == ("http://one:8080", "http://two:8080")
        owners = {key: engine.tables.owner("sums", key) for key in KEYS}
        assert owners == {key: f"http://{group.owner(key)}:8080" for key in KEYS}
        assert set(owners.values()) == {"http://one:8080", "http://two:8080"}


async def test_a_worker_whose_lane_is_open_says_what_is_stored_even_before_it_is_on_disk(
    group: Group, store: Store
) -> None:
    key = KEYS[0]
    engine = group.workers[group.owner(key)]
    give(engine, key, store)
    assert engine.tables.look_up("sums", key) is None
    store.settle(1)
    store.keep({key: b"value"}, position=1, now=1)
    assert store._db.read([key]) == [None]
    assert engine.tables.look_up("sums", key) == b"value"


async def test_a_key_of_another_worker_is_not_ours_not_even_on_a_standby(tmp_path: Path, store: Store) -> None:
    group = Group(tmp_path, standbys=1)
    key = KEYS[0]
    (other,) = set(group.workers) - {group.owner(key)}
    engine = group.workers[other]
    place = TP(CHANGELOG, partitions([key], PARTS)[0])
    assert assignor(engine).is_standby(place)
    engine._stores[place] = store
    with pytest.raises(NotOurs):
        engine.tables.look_up("sums", key)


@pytest.mark.parametrize("closing", [True, None])
async def test_a_worker_that_recovers_or_hands_over_does_not_answer(
    group: Group, store: Store, closing: bool | None
) -> None:
    key = KEYS[0]
    engine = group.workers[group.owner(key)]
    if closing is not None:
        give(engine, key, store, closing=closing)
    with pytest.raises(NotReady):
        engine.tables.look_up("sums", key)


async def test_a_worker_that_the_group_may_have_given_up_does_not_answer(group: Group, store: Store) -> None:
    key = KEYS[0]
    engine = group.workers[group.owner(key)]
    give(engine, key, store)
    engine.membership._answered_at -= engine.config.session_timeout / 1000
    with pytest.raises(NotReady):
        engine.tables.look_up("sums", key)


def test_a_worker_that_has_not_joined_knows_nothing(tmp_path: Path) -> None:
    engine = ChunkApp(config(data_dir=tmp_path), {"a": "a", "out": "out"})
    engine.add_hop(Ledgerer(), ["a"], ["out"], "sums")
    with pytest.raises(NotReady):
        engine.tables.look_up("sums", b"key")
    assert engine.tables.owner("sums", b"key") is None
    assert engine.tables.peers() == ()


async def test_a_table_that_there_is_not_is_a_mistake(group: Group) -> None:
    with pytest.raises(BadSettings):
        group.workers["one"].tables.look_up("sum", b"key")
    with pytest.raises(BadSettings):
        group.workers["one"].tables.owner("sum", b"key")


async def test_a_named_worker_that_is_back_at_another_address_takes_the_share_of_its_life_before(
    group: Group, tmp_path: Path
) -> None:
    again = worker(tmp_path / "again", "http://two-again:8080")
    assignor(again).on_assignment(group.shares["two"])
    assert assignor(again).assigned_actives() == assignor(group.workers["two"]).assigned_actives()
    shares = share(group.workers["one"], {"one": group.workers["one"], "two": again})
    assignor(again).on_assignment(shares["two"])
    assert again.tables.peers() == ("http://one:8080", "http://two-again:8080")

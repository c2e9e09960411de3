"""Records are found near the times that are known, wider where that is not enough, deep where it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from confluent_kafka import Producer

from streams.emit.admin import ensure_topics
from streams.emit.windows import Windows
from streams.engine.broker import EmbeddedBroker
from streams.mail.found import Found, Want
from streams.settings import Settings
from streams.topics import changelog_name, plan
from tests.kafka.cluster import Cluster

MINUTE = 60_000
KEY = b"m-1"


@pytest.fixture(scope="module", params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def brokers(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of an embedded broker, and then of Apache Kafka."""
    if request.param == "kafka":
        cluster: Cluster = request.getfixturevalue("kafka")
        yield cluster.address
        return
    with EmbeddedBroker() as running:
        yield running.address


class Shelf:
    """Topics under a prefix of this test's own; records get the time at which they are put there."""

    def __init__(self, brokers: str, name: str) -> None:
        """Make the topics."""
        self.settings = Settings(brokers=brokers, topic_prefix=name, partitions=3, replication=1, group=f"{name}g")
        ensure_topics(brokers, self.settings.security, plan(prefix=name, partitions=3, replication=1, group=f"{name}g"))

    def put(self, topic: str, *rows: tuple[bytes | None, bytes | None]) -> None:
        """Put records on a topic, as Java's partitioner does."""
        words = {"bootstrap.servers": self.settings.brokers, "partitioner": "murmur2_random", "linger.ms": 0}
        producer = Producer(words)
        for key, value in rows:
            producer.produce(topic, value, key)
        assert producer.flush(20) == 0

    def feedback(self, *rows: tuple[bytes | None, bytes | None]) -> None:
        """Put records on the topic of feedback."""
        self.put(f"{self.settings.topic_prefix}feedback", *rows)


@pytest.fixture
def shelf(brokers: str, request: pytest.FixtureRequest) -> Shelf:
    """Give a shelf of this test's own."""
    return Shelf(brokers, f"w{crc32(request.node.nodeid.encode())}.")


def now() -> int:
    """Return the time, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def looked(shelf: Shelf, want: Want, enough: Callable[..., bool] = bool, **limits: float) -> list[bytes | None]:
    """Return the values that are found."""
    with Windows(shelf.settings, **limits) as windows:  # type: ignore[arg-type]  # limits by their names
        return [one.value for one in windows.find(want, enough)]


def test_what_holds_the_needle_on_the_keys_partition_is_found_in_order(shelf: Shelf) -> None:
    shelf.feedback((KEY, b"1 m-1"), (b"m-2", b"2 m-2"), (KEY, b"3 other words"), (KEY, b"4 m-1"))
    assert looked(shelf, Want("feedback", KEY, KEY, (now(),))) == [b"1 m-1", b"3 other words", b"4 m-1"]
    assert looked(shelf, Want("feedback", KEY, b"nothing like it", (now(),))) == []


def test_every_partition_is_looked_through_where_no_key_says_which(shelf: Shelf) -> None:
    shelf.feedback(*((f"k-{n}".encode(), f"{n} m-1".encode()) for n in range(9)))
    found = looked(shelf, Want("feedback", None, KEY, (now(),)))
    assert sorted(found, key=str) == [f"{n} m-1".encode() for n in range(9)]


def test_it_looks_close_first_and_wider_only_where_that_was_not_enough(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.feedback((KEY, b"1 m-1"))
    between = now() + 1
    time.sleep(0.05)  # not a wait for anything: two records of different times are needed
    shelf.feedback((KEY, b"2 m-1"))
    monkeypatch.setattr("streams.emit.windows.CLOSE", (0, MINUTE))
    asked: list[int] = []

    def satisfied_by(count: int) -> Callable[[list[Found]], bool]:
        def enough(found: list[Found]) -> bool:
            asked.append(len(found))
            return len(found) >= count

        return enough

    want = Want("feedback", KEY, KEY, (between,))
    assert looked(shelf, want, satisfied_by(1)) == [b"2 m-1"]
    assert looked(shelf, want, satisfied_by(2)) == [b"1 m-1", b"2 m-1"]
    assert asked == [1, 1, 2]


def test_what_came_at_another_time_is_found_by_a_deep_look_alone(shelf: Shelf) -> None:
    shelf.feedback((KEY, b"1 m-1"))
    long_ago = Want("feedback", KEY, KEY, (now() - 600 * MINUTE,))
    assert looked(shelf, long_ago) == []
    assert looked(shelf, Want("feedback", KEY, KEY, ())) == []
    assert looked(shelf, long_ago, deep=True) == [b"1 m-1"]
    assert looked(shelf, Want("feedback", KEY, KEY, ()), deep=True) == [b"1 m-1"]


def test_it_stops_at_the_records_and_at_the_seconds_that_are_allowed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.emit.windows._BITE", 1)
    shelf.feedback(*((KEY, f"{n} m-1".encode()) for n in range(20)))
    want = Want("feedback", KEY, KEY, (now(),))
    assert len(looked(shelf, want, lambda _: False, records=5)) == 5
    assert len(looked(shelf, want, lambda _: False, seconds=0.0)) <= 1
    assert len(looked(shelf, want, lambda _: False)) == 20


def test_a_table_is_read_from_its_changelog_to_the_last_word_on_a_key(shelf: Shelf) -> None:
    changelog = changelog_name(shelf.settings.group, "lives")
    shelf.put(changelog, (KEY, b"old"), (b"m-2", b"another's"), (KEY, b"new"), (b"m-3", b"gone"), (b"m-3", None))
    told: list[int] = []
    with Windows(shelf.settings, told=lambda done, _: told.append(done)) as windows:
        assert windows.stored("lives", KEY) == b"new"
        assert windows.stored("lives", b"m-3") is None
        assert windows.stored("lives", b"m-4") is None
    assert told

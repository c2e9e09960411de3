"""A compacted topic is read as the table that it is: to its end, the last word of each key, nothing that was erased."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.emit.tables import read_table
from streams.emit.topic import Topic
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.settings import Settings
from streams.topics import plan
from tests.builders import CODEC, NOON

Row = tuple[bytes | None, bytes | None]
Write = Callable[..., Settings]


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Give the address of a broker with nothing in it."""
    with EmbeddedBroker() as running:
        yield running.address


@pytest.fixture
def write(broker: str, request: pytest.FixtureRequest) -> Write:
    """Return what writes rows to `suppressions` in batches of their own, under a prefix of this test's own."""
    prefix = f"t{crc32(request.node.nodeid.encode())}."
    settings = Settings(brokers=broker, topic_prefix=prefix, partitions=3, replication=1)
    planned = plan(prefix=prefix, partitions=3, replication=1, group="g")
    ensure_topics(broker, settings.security, [topic for topic in planned if topic.name == f"{prefix}suppressions"])

    def writes(*batches: list[Row]) -> Settings:
        for batch in batches:
            with Publisher(broker, idempotent=False) as publisher:
                for key, value in batch:
                    publisher.publish(f"{prefix}suppressions", key, value)
        return settings

    return writes


def _held(settings: Settings, only: bytes | None = None) -> dict[bytes, bytes]:
    with read_table(settings, "suppressions", only=only) as table:
        rows = {kept.key: kept.value for kept in table}
        assert len(table) == len(rows)
        return rows


def test_the_last_word_on_each_key_counts_and_what_was_erased_is_gone(write: Write) -> None:
    settings = write(
        [(b"ann@example.com", b"1"), (b"bob@example.com", b"1"), (b"eve@example.com", b"1")],
        [(b"ann@example.com", b"2"), (b"bob@example.com", None), (None, b"about nobody")],
        [(b"eve@example.com", None), (b"eve@example.com", b"3")],
    )
    assert _held(settings) == {b"ann@example.com": b"2", b"eve@example.com": b"3"}


def test_an_empty_topic_is_an_empty_table(write: Write) -> None:
    assert _held(write()) == {}


def test_the_keys_come_in_their_order_and_one_may_be_asked_for(write: Write) -> None:
    names = [b"%05d@example.com" % number for number in range(20_000)]
    settings = write([(name, name) for name in reversed(names)])
    assert list(_held(settings)) == names
    assert _held(settings, only=names[7]) == {names[7]: names[7]}


def test_a_batch_at_the_end_is_read_whole_though_the_embedded_broker_lists_its_first_record_as_the_end(
    write: Write,
) -> None:
    batch = [(b"ann@example.com", b"%d" % number) for number in range(9_000)]
    settings = write([(b"ann@example.com", b"first")], batch)
    assert _held(settings) == {b"ann@example.com": b"8999"}


def test_progress_ends_at_all_of_all(write: Write) -> None:
    settings = write([(b"%d@example.com" % number, b"x") for number in range(100)])
    told: list[tuple[int, int]] = []
    with read_table(settings, "suppressions", told=lambda read, of: told.append((read, of))):
        assert told[-1] == (100, 100)


def test_a_record_that_cannot_be_read_is_named_by_its_place_and_the_others_come(write: Write) -> None:
    good = CODEC.encode("mail.Suppression", {"recipient": "ann@example.com", "reason": "MANUAL", "since": NOON})
    settings = write([(b"ann@example.com", good), (b"bob@example.com", b"bob@example.com is no Avro")])
    refused: list[str] = []
    with read_table(settings, "suppressions") as table:
        found = [record["recipient"] for record in table.records(CODEC, "mail.Suppression", refused.append)]
    assert found == ["ann@example.com"]
    assert len(refused) == 1
    assert refused[0].startswith(f"{settings.topic_prefix}suppressions/")
    assert " at offset " in refused[0]
    assert "BAD_MAGIC" in refused[0]
    assert "bob" not in refused[0]


def test_what_comes_after_now_is_heard(write: Write) -> None:
    settings = write([(b"ann@example.com", b"before")])
    with Topic(settings, "suppressions") as topic:
        topic.from_now()
        write([(b"bob@example.com", b"after")])
        rows: list[tuple[bytes | None, bytes | None]] = []
        while not rows:
            rows += [(row.key, row.value) for row in topic.more(1.0)]
    assert rows == [(b"bob@example.com", b"after")]


def test_of_each_partition_the_last_records_are_read_where_that_is_asked_for(write: Write) -> None:
    settings = write(*([(b"%d@example.com" % number, b"x")] for number in range(60)))
    with Topic(settings, "suppressions") as topic:
        rows = list(topic.to_the_end(last=2))
        assert topic.held == 60
    ends = {number: max(row.offset for row in rows if row.partition == number) for number in range(3)}
    assert sum(ends.values()) == 60 - 3
    assert {(row.partition, row.offset) for row in rows} == {
        (number, end - back) for number, end in ends.items() for back in range(2)
    }


def test_a_partition_between_two_leaders_is_asked_again(write: Write) -> None:
    settings = write([(b"ann@example.com", b"1")])
    with Topic(settings, "suppressions") as topic:
        answers = [KafkaException(KafkaError(code)) for code in (KafkaError.NOT_LEADER_FOR_PARTITION,) * 2]

        class Electing:
            def __getattr__(self, name: str) -> Any:
                return getattr(consumer, name)

            def get_watermark_offsets(self, *words: Any) -> Any:
                if answers:
                    raise answers.pop()
                return consumer.get_watermark_offsets(*words)

        consumer, topic._consumer = topic._consumer, Electing()  # type: ignore[assignment]  # stands in for it
        assert [row.value for row in topic.to_the_end()] == [b"1"]
    assert answers == []


def test_a_topic_that_is_not_there_is_named_with_what_to_do(write: Write) -> None:
    settings = write()
    with (
        pytest.raises(WorldFailed, match=r"have no topic t\d+\.loops: ses-streams topics create"),
        read_table(settings, "loops"),
    ):
        pass


def test_brokers_that_do_not_answer_are_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.emit.topic.ANSWER_S", 1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (
        pytest.raises(WorldFailed, match=f"brokers {address}: .*Connection refused"),
        read_table(Settings(brokers=address), "loops"),
    ):
        pass

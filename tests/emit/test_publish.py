"""What the publisher hands over is on the right partition when flush returns, or flush says what is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public, and not marked so

from streams.emit import publish
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.settings import Compression

PARTITIONS = 4
# Key to what Java's Utils.toPositive(Utils.murmur2(key)) gives (Apache Kafka, UtilsTest.testMurmur2; masked here).
JAVA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
}


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Give the address of a broker with nothing in it."""
    with EmbeddedBroker() as running:
        yield running.address


@pytest.fixture
def topic(broker: str, request: pytest.FixtureRequest) -> str:
    """Give a topic of this test's own."""
    name = f"publish.{abs(hash(request.node.nodeid))}"
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)])[name].result(10)
    return name


def _read(broker: str, topic: str, count: int) -> list[tuple[int, bytes | None, bytes | None]]:
    """Return partition, key and value of *count* records."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found: list[tuple[int, bytes | None, bytes | None]] = []
    for _ in range(200):
        found += [
            (message.partition() or 0, message.key(), message.value())
            for message in consumer.consume(count, timeout=0.1)
            if message.error() is None
        ]
        if len(found) >= count:
            break
    consumer.close()
    return found


@pytest.mark.parametrize("idempotent", [False, True])
@pytest.mark.parametrize("compression", list(Compression))
def test_what_was_handed_over_is_there_once_flush_returns(
    broker: str, topic: str, idempotent: bool, compression: Compression
) -> None:
    sent = [(f"key-{number}".encode(), b"value" * number) for number in range(500)]
    with Publisher(broker, idempotent=idempotent, compression=compression) as publisher:
        for key, value in sent:
            publisher.publish(topic, key, value)
    found = _read(broker, topic, len(sent))
    assert sorted((key, value) for _, key, value in found) == sorted(sent)


def test_a_key_goes_to_the_partition_where_java_would_put_it(broker: str, topic: str) -> None:
    with Publisher(broker) as publisher:
        for key in JAVA_MURMUR2:
            publisher.publish(topic, key, b"x")
    found = {key: partition for partition, key, _ in _read(broker, topic, len(JAVA_MURMUR2))}
    assert found == {key: (number & 0x7FFFFFFF) % PARTITIONS for key, number in JAVA_MURMUR2.items()}


def test_records_without_a_key_and_without_a_value_pass(broker: str, topic: str) -> None:
    with Publisher(broker) as publisher:
        publisher.publish(topic, None, b"dead")
        publisher.publish(topic, b"gone", None)
    assert {(key, value) for _, key, value in _read(broker, topic, 2)} == {(None, b"dead"), (b"gone", None)}


def test_a_record_that_is_too_large_is_refused_by_its_size_not_by_its_content(broker: str, topic: str) -> None:
    with pytest.raises(WorldFailed, match="2000000 bytes") as refused, Publisher(broker) as publisher:
        publisher.publish(topic, b"ada@example.org", b"ada@example.org" + b"x" * 1_999_985)
    assert "ada" not in str(refused.value)


def _nobody() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_broker_that_is_not_there_is_named_and_nothing_of_the_record_is() -> None:
    nobody = _nobody()
    with pytest.raises(WorldFailed) as failed, Publisher(nobody, idempotent=False, patience_s=1.0) as publisher:
        publisher.publish("ses.feedback", b"ada@example.org", b"secret")
    assert nobody in str(failed.value)
    assert "topic ses.feedback" in str(failed.value)
    assert "1 records" in str(failed.value)
    assert "ada" not in str(failed.value)
    assert "secret" not in str(failed.value)


def test_a_queue_that_stays_full_ends_in_an_error_not_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_QUEUE_KIB", 1)
    publisher = Publisher(_nobody(), idempotent=False, patience_s=0.5)
    publisher.publish("ses.feedback", b"key", b"x" * 1000)
    with pytest.raises(WorldFailed, match=r"stays full|did not acknowledge"):
        publisher.publish("ses.feedback", b"key", b"x" * 1000)


def test_what_failed_for_another_reason_is_not_hidden_by_the_way_out() -> None:
    def fail() -> None:
        with Publisher(_nobody(), patience_s=0.5) as publisher:
            publisher.publish("ses.feedback", b"key", b"value")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()

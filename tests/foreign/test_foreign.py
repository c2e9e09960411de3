"""What others publish, with their clients and their habits: read rightly, re-keyed, or refused; never left unjoined."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Producer

from streams.partition import partitions
from streams.schemas.avsc import read_directory
from streams.schemas.files import schema_home
from tests.builders import event, instruction, send
from tests.foreign.clients import Client, Post, aiokafka, librdkafka
from tests.foreign.line import PARTITIONS, Line

pytestmark = pytest.mark.kafka

MESSAGES = 24
"""So many that a partitioner which is not Java's puts one of them wrong for sure: all right by chance once in 4^24."""
ODD_HEADERS = [("traceparent", b"00-0af7651916cd43dd-00"), ("null", None), ("", b""), ("bytes", b"\xff\xfe\x00")]
YEAR_3000 = 32_503_680_000_000


def bare_key(message_id: str) -> bytes | None:
    return message_id.encode()


class Habit(NamedTuple):
    """How somebody publishes: by which client, under which key, with which headers, and at which time."""

    client: Client
    key: Callable[[str], bytes | None] = bare_key
    headers: Any = ()
    at: int | None = None


JAVA = librdkafka(partitioner="murmur2_random")
HABITS: dict[str, Habit] = {
    "by librdkafka as it comes": Habit(librdkafka()),
    "by librdkafka, consistent": Habit(librdkafka(partitioner="consistent")),
    "by librdkafka, at random": Habit(librdkafka(partitioner="random")),
    "by librdkafka, fnv1a": Habit(librdkafka(partitioner="fnv1a_random")),
    "by librdkafka, as Java": Habit(JAVA),
    "by aiokafka": Habit(aiokafka()),
    "by aiokafka, gzip": Habit(aiokafka(compression_type="gzip")),
    "by aiokafka, snappy": Habit(aiokafka(compression_type="snappy")),
    "by aiokafka, lz4": Habit(aiokafka(compression_type="lz4")),
    "by aiokafka, zstd": Habit(aiokafka(compression_type="zstd")),
    "by aiokafka, idempotent": Habit(aiokafka(enable_idempotence=True)),
    "by librdkafka, gzip": Habit(librdkafka(compression_type="gzip")),
    "by librdkafka, snappy": Habit(librdkafka(compression_type="snappy")),
    "by librdkafka, lz4": Habit(librdkafka(compression_type="lz4")),
    "by librdkafka, zstd": Habit(librdkafka(compression_type="zstd")),
    "under no key": Habit(JAVA, lambda _: None),
    "under an empty key": Habit(JAVA, lambda _: b""),
    "under the id as it stands in the mail": Habit(JAVA, lambda one: f"<{one}@eu-west-1.amazonses.com>".encode()),
    "under the id in upper case": Habit(JAVA, lambda one: one.upper().encode()),
    "under a key that is no text": Habit(JAVA, lambda one: b"\xff\xfe" + one.encode()),
    "under a key of 200 KB": Habit(JAVA, lambda one: one.encode() * 5_000),
    "with headers of all sorts": Habit(librdkafka(), headers=ODD_HEADERS),
    "with headers, by aiokafka": Habit(aiokafka(), headers=ODD_HEADERS),
    "in 1970": Habit(JAVA, at=1),
    "at no time": Habit(aiokafka(), at=-1),
    "in the year 3000": Habit(librdkafka(), at=YEAR_3000),
}


def ids(about: str, count: int = MESSAGES) -> list[str]:
    """Return message ids of a test's own."""
    return [f"0102-{about.replace(' ', '-')}-{number:04}" for number in range(count)]


def delivery(line: Line, message_id: str) -> Post:
    """Return the news of a delivery as our own intake publishes it."""
    return Post("feedback", message_id.encode(), line.codec.encode("mail.Feedback", event("DELIVERY", message_id)))


def check_joined(line: Line, message_ids: list[str]) -> None:
    """See that each message's delivery met its send."""
    outcomes = line.wait_until_joined(set(message_ids))
    assert {key: (one["kind"], one["matched"]) for key, one in outcomes.items()} == dict.fromkeys(
        message_ids, ("DELIVERED", True)
    )


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_a_delivery_meets_its_send_whoever_published_that(line: Line, habit: Habit, request: Any) -> None:
    message_ids = ids(request.node.callspec.id)
    posts = [
        Post("sends", habit.key(one), line.codec.encode("mail.Send", send(one)), habit.headers, habit.at)
        for one in message_ids
    ]
    line.publish(habit.client, *posts)
    line.publish(JAVA, *[delivery(line, one) for one in message_ids])
    check_joined(line, message_ids)


@pytest.mark.parametrize(
    "client",
    [librdkafka(), librdkafka(partitioner="random"), aiokafka()],
    ids=["librdkafka as it comes", "librdkafka at random", "aiokafka"],
)
def test_a_send_meets_its_delivery_whoever_published_that(line: Line, client: Client, request: Any) -> None:
    message_ids = ids(request.node.callspec.id)
    line.publish(JAVA, *[Post("sends", one.encode(), line.codec.encode("mail.Send", send(one))) for one in message_ids])
    line.publish(client, *[delivery(line, one) for one in message_ids])
    check_joined(line, message_ids)


def test_what_lay_wrong_lies_right_at_last_and_each_was_published_again_once(line: Line) -> None:
    before = rekeyed(line)
    message_ids = ids("once")
    values = {one: line.codec.encode("mail.Send", send(one)) for one in message_ids}
    line.publish(librdkafka(), *[Post("sends", one.encode(), value) for one, value in values.items()])
    line.publish(JAVA, *[delivery(line, one) for one in message_ids])
    check_joined(line, message_ids)
    homes = dict(zip(message_ids, partitions([one.encode() for one in message_ids], PARTITIONS), strict=True))
    copies = {one: [r for r in line.read("sends") if r.value == value] for one, value in values.items()}
    wrong = {one for one in message_ids if copies[one][0].partition != homes[one]} | {
        one for one in message_ids if len(copies[one]) == 2
    }
    assert wrong
    for one in message_ids:
        assert len(copies[one]) == (2 if one in wrong else 1)
        assert homes[one] in {record.partition for record in copies[one]}
        assert {record.key for record in copies[one]} == {one.encode()}
    assert rekeyed(line) - before == len(wrong)
    assert "partitioner=murmur2_random" in line.worker.log.read_text()


def rekeyed(line: Line) -> float:
    """Return how many sends the worker says it has published again."""
    line.wait_for(lambda: line.worker.page() is not None, "metrics")
    page = line.worker.page()
    assert page is not None
    return page.total("ses_rekeyed_total", topic="sends")


def test_a_send_as_large_as_a_broker_takes_is_joined_from_the_wrong_partition_too(line: Line) -> None:
    message_ids = ids("large", 4)
    for one in message_ids:
        value = line.codec.encode("mail.Send", send(one, from_address="a" * 1_040_000))
        line.publish(librdkafka(partitioner="random"), Post("sends", one.encode(), value))
    line.publish(JAVA, *[delivery(line, one) for one in message_ids])
    check_joined(line, message_ids)


def test_a_send_whose_transaction_was_aborted_was_never_published(line: Line) -> None:
    aborted, *committed = ids("transactions", MESSAGES)
    producer = Producer({"bootstrap.servers": line.brokers, "transactional.id": f"{line.prefix}upstream"})
    producer.init_transactions()
    for one, end in (
        (aborted, producer.abort_transaction),
        *((each, producer.commit_transaction) for each in committed),
    ):
        producer.begin_transaction()
        producer.produce(line.name("sends"), key=one.encode(), value=line.codec.encode("mail.Send", send(one)))
        producer.flush()
        end()
    line.publish(JAVA, *[delivery(line, one) for one in (aborted, *committed)])
    check_joined(line, committed)
    assert aborted not in {one["message_id"] for one in line.said("outcomes", "mail.Outcome")}


@pytest.mark.parametrize("written", ["in normal form", "as people write it", "not at all"])
def test_an_operator_s_words_about_a_person_meet_wherever_they_lie(line: Line, written: str) -> None:
    people = [f"person-{number}-{written.replace(' ', '-')}@example.org" for number in range(MESSAGES)]
    keys: dict[str, Callable[[str], bytes | None]] = {
        "in normal form": str.encode,
        "as people write it": lambda who: f"Person <{who.upper()}>".encode(),
        "not at all": lambda _: None,
    }
    values = {
        who: line.codec.encode("mail.Instruction", instruction("SUPPRESS", recipient=who, reason="MANUAL"))
        for who in people
    }
    line.publish(librdkafka(), *[Post("instructions", keys[written](who), value) for who, value in values.items()])

    def on_the_list() -> set[bytes | None]:
        return {record.key for record in line.read("suppressions")}

    line.wait_for(lambda: on_the_list() >= {who.encode() for who in people}, "suppressions")
    homes = dict(zip(people, partitions([who.encode() for who in people], PARTITIONS), strict=True))
    found = line.read("instructions")
    for who, value in values.items():
        assert homes[who] in {record.partition for record in found if record.value == value}


class Poison(NamedTuple):
    """A record that cannot be used, and why."""

    value: Callable[[Line], bytes | None]
    reason: str
    key: bytes | None = b"k"
    topic: str = "sends"


def as_avro(line: Line) -> bytes:
    return line.codec.encode("mail.Send", send("m"))


def with_id(schema_id: int, value: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + value[5:]


def of_no_avro(line: Line) -> bytes:
    row = line.twin.register("other-value", {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"})
    return with_id(row["id"], as_avro(line))


def of_another_schema(line: Line) -> bytes:
    schema = {"type": "record", "name": "shop.Order", "fields": [{"name": "number", "type": "long"}]}
    row = line.twin.register("orders-value", {"schema": json.dumps(schema)})
    return with_id(row["id"], b"\0\0\0\0\0\x04")


POISONS: dict[str, Poison] = {
    "a tombstone among sends": Poison(lambda _: None, "NO_VALUE"),
    "a tombstone in feedback": Poison(lambda _: None, "NO_VALUE", topic="feedback"),
    "neither key nor value": Poison(lambda _: None, "NO_VALUE", key=None),
    "no bytes at all": Poison(lambda _: b"", "BAD_MAGIC"),
    "JSON": Poison(lambda _: b'{"message_id": "m"}', "BAD_MAGIC"),
    "a megabyte of something": Poison(lambda _: b"x" * 1_040_000, "BAD_MAGIC"),
    "a send without the five bytes before it": Poison(lambda line: as_avro(line)[5:], "BAD_MAGIC"),
    "an event without the five bytes": Poison(
        lambda line: line.codec.encode("mail.Feedback", event("UNKNOWN", "m"))[5:], "UNKNOWN_SCHEMA", topic="feedback"
    ),
    "a send that is cut off": Poison(lambda line: as_avro(line)[:-3], "NOT_AVRO"),
    "a send with something behind it": Poison(lambda line: as_avro(line) + b"!", "NOT_AVRO"),
    "an event among the sends": Poison(
        lambda line: line.codec.encode("mail.Feedback", event("DELIVERY", "m")), "WRONG_TYPE"
    ),
    "a send among the events": Poison(as_avro, "WRONG_TYPE", topic="feedback"),
    "an id that the registry does not know": Poison(lambda line: with_id(4_000, as_avro(line)), "UNKNOWN_SCHEMA"),
    "the id of a schema that is no Avro": Poison(of_no_avro, "UNKNOWN_SCHEMA"),
    "the id of somebody else's schema": Poison(of_another_schema, "WRONG_TYPE"),
    "a key that is no text and no value": Poison(lambda _: b"\xff", "BAD_MAGIC", key=b"\xff\xfe\x00"),
    "a key of 200 KB and no value": Poison(lambda _: b"\xfe", "BAD_MAGIC", key=b"k" * 200_000),
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_what_cannot_be_used_becomes_a_dead_letter_byte_by_byte_and_its_neighbours_go_on(
    line: Line, poison: Poison, request: Any
) -> None:
    value = poison.value(line)
    good = ids(request.node.callspec.id, 4)
    line.publish(JAVA, *[Post("sends", one.encode(), line.codec.encode("mail.Send", send(one))) for one in good])
    line.publish(librdkafka(), Post(poison.topic, poison.key, value, ODD_HEADERS))
    line.publish(JAVA, *[delivery(line, one) for one in good])
    letter = line.wait_for_letter(value, poison.key)
    assert (letter["reason"], letter["topic"]) == (poison.reason, line.name(poison.topic))
    check_joined(line, good)


def versions(line: Line) -> dict[str, dict[str, Any]]:
    """Return versions of mail.Send that other teams may have."""
    head = read_directory(schema_home())["mail.Send"]
    extra = {"name": "campaign", "type": ["null", "string"], "default": None}
    return {
        "other words": {**head, "doc": "Our team's copy."},
        "older": {**head, "fields": [field for field in head["fields"] if field["name"] != "in_reply_to"]},
        "newer": {**head, "fields": [*head["fields"], extra]},
        "turned round": {**head, "fields": head["fields"][::-1]},
    }


@pytest.mark.parametrize("version", ["other words", "older", "newer", "turned round"])
def test_a_send_of_another_version_is_read_once_the_registry_was_asked(line: Line, version: str) -> None:
    fastavro = pytest.importorskip("fastavro")
    schema = versions(line)[version]
    row = line.twin.register(line.name("sends-value"), {"schema": json.dumps(schema)})
    message_ids = ids(f"version {version}")
    parsed = fastavro.parse_schema(schema)
    posts = []
    for one in message_ids:
        body = encoded(fastavro, parsed, send(one))
        posts.append(Post("sends", one.encode(), b"\0" + row["id"].to_bytes(4, "big") + body))
    line.publish(librdkafka(), *posts)
    line.publish(JAVA, *[delivery(line, one) for one in message_ids])
    check_joined(line, message_ids)


def encoded(fastavro: Any, parsed: Any, record: dict[str, Any]) -> bytes:
    """Return the Avro body of a record."""
    from io import BytesIO

    body = BytesIO()
    fastavro.schemaless_writer(body, parsed, record)
    return body.getvalue()

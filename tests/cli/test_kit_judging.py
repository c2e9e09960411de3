"""Each thing that can be wrong with a topic is found by itself, and what is right is not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

import pytest
from confluent_kafka import Message, Producer

from streams.cli.kit_findings import RULES, Found, Harm
from streams.cli.kit_judging import HOUR, Judge
from streams.cli.kit_partitioners import fnv1a
from streams.emit.topic import Row
from streams.partition import partitions
from streams.simulator.ids import message_id
from tests.builders import CODEC, NOON, event, send

PARTITIONS = 4
OF_TOPIC = {"mail.Send": "message_id", "mail.Feedback": "message_id", "mail.SendRequest": "request_id"}
ID = message_id(1, 1, NOON)


def request(**fields: Any) -> dict[str, Any]:
    content = ("mail.Simple", {"subject": "s", "text": "t", "html": None})
    made = {"request_id": "order-1", "stream": "receipts", "requested_at": NOON, "from_address": "shop@example.net"}
    return {**made, "to": ["Ann <Ann@example.com>"], "content": content, **fields}


def row(name: str, record: dict[str, Any], **other: Any) -> Row:
    """Return a record as it should be published, but for *other*."""
    key = str(record[OF_TOPIC[name]]).encode()
    made = {"key": key, "value": CODEC.encode(name, record), "partition": partitions([key], PARTITIONS)[0]}
    return Row(**{**made, "offset": 7, "at": NOON, **other})


def judge(name: str, rows: Iterable[Row], count: int = PARTITIONS) -> list[Found]:
    made = Judge(CODEC, name, count, NOON + HOUR)
    for one in rows:
        made.see(one)
    return made.found()


def names(found: Iterable[Found]) -> list[str]:
    return [one.rule.name for one in found]


SEND = "mail.Send"
GOOD = row(SEND, send(ID))
WRITTEN = f"<{ID}@eu-west-1.amazonses.com>"

SPOILED: dict[str, Row] = {
    "NO_VALUE": GOOD._replace(value=None),
    "NO_MAGIC": GOOD._replace(value=b'{"message_id": "x"}'),
    "UNKNOWN_SCHEMA": GOOD._replace(value=b"\0\0\0\0\7" + (GOOD.value or b"")[5:]),
    "OTHER_SCHEMA": GOOD._replace(value=CODEC.encode("mail.Feedback", event("DELIVERY", ID))),
    "NOT_AVRO": GOOD._replace(value=(GOOD.value or b"")[:-3]),
    "NO_ID": row(SEND, send(""), key=b"some"),
    "BAD_TIME": row(SEND, send(ID, sent_at=NOON * 1_000)),
    "TIME_IN_SECONDS": row(SEND, send(ID, sent_at=NOON // 1_000)),
    "TIME_IN_FUTURE": row(SEND, send(ID, sent_at=NOON + 2 * HOUR + 1)),
    "FOREIGN_MESSAGE_ID": row(SEND, send("m-17.abc@mail.example.net")),
    "NO_RECIPIENTS": row(SEND, send(ID, recipients=[])),
    "MANY_RECIPIENTS": row(SEND, send(ID, recipients=[f"p{number}@example.com" for number in range(51)])),
    "NO_KEY": GOOD._replace(key=None),
    "OTHER_KEY": GOOD._replace(key=b"order-1"),
    "KEY_WRITTEN_OTHERWISE": GOOD._replace(key=WRITTEN.encode()),
    "WRONG_PARTITION": GOOD._replace(partition=(GOOD.partition + 1) % PARTITIONS),
    "ID_WRITTEN_OTHERWISE": row(SEND, send(WRITTEN), key=ID.encode(), partition=GOOD.partition),
    "ADDRESS_WRITTEN_OTHERWISE": row(SEND, send(ID, recipients=["Ann <Ann@Example.com>"])),
    "HEADERS": GOOD._replace(headers=True),
}
OF_THE_WHOLE = {"MANY_STREAMS", "COMPACTED", "CREATE_TIME", "UNCOMPRESSED"}


@pytest.mark.parametrize("name", SPOILED)
def test_a_record_with_one_fault_has_that_one(name: str) -> None:
    spoiled = SPOILED[name]
    (found,) = judge(SEND, [GOOD._replace(offset=6), spoiled])
    assert (found.rule.name, found.records, found.first) == (name, 1, (spoiled.partition, 7))


def test_every_rule_has_its_record_here_and_its_words() -> None:
    assert {rule.name for rule in RULES} == set(SPOILED) | OF_THE_WHOLE
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert [rule.harm for rule in RULES] == sorted((rule.harm for rule in RULES), key=list(Harm).index)
    assert all(len(rule.words) > 10 and len(rule.fix) > 10 for rule in RULES)


@pytest.mark.parametrize(
    ("name", "record"),
    [
        (SEND, send(ID)),
        ("mail.Feedback", event("DELIVERY", ID)),
        ("mail.Feedback", event("BOUNCE", ID) | {"recipients": [], "destination": []}),
        ("mail.Feedback", event("OPEN", ID) | {"recipients": [], "destination": ["ann@example.com"]}),
        ("mail.SendRequest", request()),
        ("mail.SendRequest", request(not_before=NOON + 9 * HOUR, expires_at=NOON + 99 * HOUR)),
        ("mail.SendRequest", request(to=[], bcc=["ann@example.com"])),
        (SEND, send(ID, sent_at=NOON + 2 * HOUR)),
        (SEND, send(ID, recipients=[f"p{number}@example.com" for number in range(50)])),
    ],
)
def test_what_is_right_is_not_found_wrong(name: str, record: dict[str, Any]) -> None:
    assert judge(name, [row(name, record)]) == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"expires_at": NOON // 1_000}, "TIME_IN_SECONDS"),
        ({"not_before": -1}, "BAD_TIME"),
        ({"to": []}, "NO_RECIPIENTS"),
        ({"cc": [f"p{number}@example.com" for number in range(50)]}, "MANY_RECIPIENTS"),
    ],
)
def test_what_only_a_request_can_have_wrong_is_found(fields: dict[str, Any], fault: str) -> None:
    assert names(judge("mail.SendRequest", [row("mail.SendRequest", request(**fields))])) == [fault]


def test_a_delivery_to_nobody_is_found_and_an_automatic_answer_is_not() -> None:
    nobody: dict[str, Any] = {"recipients": [], "destination": []}
    rows = [row("mail.Feedback", event(kind, ID) | nobody) for kind in ("DELIVERY", "BOUNCE", "RENDERING_FAILURE")]
    (found,) = judge("mail.Feedback", rows)
    assert (found.rule.name, found.records) == ("NO_RECIPIENTS", 1)


def test_faults_are_counted_in_the_tables_order_each_with_the_first_place() -> None:
    rows = [
        GOOD._replace(offset=1, headers=True),
        GOOD._replace(offset=2, value=None),
        GOOD._replace(offset=3, value=None),
    ]
    found = judge(SEND, rows)
    assert [(one.rule.name, one.records, one.first) for one in found] == [
        ("NO_VALUE", 2, (GOOD.partition, 2)),
        ("HEADERS", 1, (GOOD.partition, 1)),
    ]


def test_more_streams_than_metrics_can_name_are_found() -> None:
    rows = [row(SEND, send(ID, stream=f"campaign-{number}")) for number in range(51)]
    assert judge(SEND, rows[:50]) == []
    (found,) = judge(SEND, rows)
    assert (found.rule.name, found.records, found.detail) == ("MANY_STREAMS", 51, "51 names so far")


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"cleanup.policy": "compact"}, ["COMPACTED"]),
        ({"message.timestamp.type": "CreateTime"}, ["CREATE_TIME"]),
        ({"compression.type": "uncompressed"}, ["UNCOMPRESSED"]),
        ({"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "compression.type": "producer"}, []),
        ({}, []),
    ],
)
def test_a_topic_that_was_made_by_accident_is_found(config: dict[str, str], fault: list[str]) -> None:
    made = Judge(CODEC, SEND, PARTITIONS, NOON)
    made.configured(config)
    assert names(made.found()) == fault


@pytest.mark.parametrize(
    ("wire", "payload", "held", "fault"),
    [
        (2_100_000, 2_000_000, 1_000_000, ["UNCOMPRESSED"]),
        (900_000, 2_000_000, 1_000_000, []),
        (2_100_000, 2_000_000, 1_000, []),
        (2_100, 2_000, 1_000_000, []),
    ],
    ids=["a large topic", "compressed", "a small topic", "too little to tell"],
)
def test_a_large_topic_that_is_not_compressed_is_found(wire: int, payload: int, held: int, fault: list[str]) -> None:
    made = Judge(CODEC, SEND, PARTITIONS, NOON + HOUR)
    made.see(GOOD)
    made.travelled(wire, payload, held)
    assert names(made.found()) == fault


IDS = [message_id(1, number, NOON) for number in range(200)]
Put = Callable[[bytes, int], int]


def lying(put: Put, count: int = PARTITIONS, key: Callable[[str], str] = str) -> str:
    """Return what is said of records that *put* put where they lie."""
    rows = [
        row(SEND, send(one), key=key(one).encode(), partition=put(key(one).encode(), number))
        for number, one in enumerate(IDS)
    ]
    found = [one for one in judge(SEND, rows, count) if one.rule.name == "WRONG_PARTITION"]
    return found[0].detail if found else ""


def by_librdkafka(partitioner: str) -> Put:
    """Return where librdkafka itself puts keys, on the mock cluster of four partitions that it brings along."""
    producer = Producer({"test.mock.num.brokers": 1, "partitioner": partitioner, "log_level": 0})
    lies: dict[bytes, int] = {}

    def put(key: bytes, _: int) -> int:
        def told(error: object, message: Message) -> None:
            assert error is None
            lies[key] = message.partition() or 0

        producer.produce("keys", key=key, on_delivery=told)
        assert producer.flush(30) == 0
        return lies[key]

    return put


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (by_librdkafka("consistent_random"), "CRC32"),
        (by_librdkafka("fnv1a_random"), "FNV-1a"),
        (by_librdkafka("random"), "no partitioner that is known here"),
        (by_librdkafka("murmur2_random"), ""),
        (lambda _, number: number % PARTITIONS, "no partitioner that is known here"),
        (lambda *_: 0, "all goes to partition 0"),
        (lambda key, _: partitions([key], 3)[0], "murmur2, when the topic had 3 partitions"),
    ],
    ids=["librdkafka", "fnv1a", "random", "murmur2", "round robin", "one partition", "a topic that grew"],
)
def test_a_partitioner_is_known_by_where_it_puts_keys(put: Put, words: str) -> None:
    assert (words in lying(put)) if words else (lying(put) == "")


def test_a_key_on_two_partitions_was_put_there_by_no_hash() -> None:
    rows = [row(SEND, send(one), partition=number % PARTITIONS) for number in range(8) for one in IDS[:9]]
    (found,) = judge(SEND, rows)
    assert "round robin" in found.detail


def test_murmur2_of_another_key_is_told_from_another_partitioner() -> None:
    written = lying(lambda key, _: partitions([key], PARTITIONS)[0], key=lambda one: f"<{one}@amazonses.com>")
    assert "murmur2, of the key as it was written" in written


def test_few_records_name_no_partitioner() -> None:
    wrong = [one for one in IDS if crc32(one.encode()) % PARTITIONS != partitions([one.encode()], PARTITIONS)[0]][:2]
    (found,) = judge(SEND, [row(SEND, send(one), partition=crc32(one.encode()) % PARTITIONS) for one in wrong])
    assert found.detail == "too few to tell which partitioner it is"


def test_fnv1a_is_the_one_that_its_authors_describe() -> None:
    assert [hex(fnv1a(text)) for text in (b"", b"a", b"foobar")] == ["0x811c9dc5", "0xe40c292c", "0xbf9cf968"]


def test_no_finding_holds_an_address_or_an_id() -> None:
    rows = list(SPOILED.values())
    said = repr(judge(SEND, rows))
    assert "@example" not in said
    assert ID not in said
    assert Counter(names(judge(SEND, rows)))["NO_VALUE"] == 1

"""Publish a send and what became of it, with confluent-kafka and fastavro.

python publish.py verify                      bytes and partitions against golden.json; needs no broker
python publish.py publish BROKERS [PREFIX]    one Send and one Feedback; PREFIX is of the topics, ses. by default
"""

import io
import json
import sys
from pathlib import Path

from confluent_kafka import Producer
from fastavro import json_reader, schemaless_writer
from fastavro.schema import load_schema

KIT = Path(__file__).resolve().parent.parent
LOCK = json.loads((KIT / "schemas" / "lock.json").read_text("utf-8"))
IDS = {row["schema"]: row["id"] for row in LOCK["schemas"]}
NAMES = ("mail.SendRequest", "mail.Send", "mail.Feedback")
SCHEMAS = {name: load_schema(KIT / "schemas" / f"{name}.avsc") for name in NAMES}
PATIENCE_S = 30

# quick start: how a value is made
MESSAGE_ID = "0100019a1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"  # as SES returned it

SEND = {
    "message_id": MESSAGE_ID,
    "sent_at": 1767323045678,  # milliseconds, UTC
    "stream": "receipts",
    "recipients": ["alice@example.com"],
    "from_address": "shop@example.org",
}
FEEDBACK = {
    "kind": "DELIVERY",
    "occurred_at": 1767323046901,
    "message_id": MESSAGE_ID,
    "recipients": [{"address": "alice@example.com"}],
}
SEND_REQUEST = {
    "request_id": "order-4711",
    "stream": "receipts",
    "requested_at": 1767323045000,
    "from_address": "Shop <shop@example.org>",
    "to": ["Alice@Example.com"],
    "content": ("mail.Simple", {"subject": "Your order 4711", "text": "Thank you for your order.\n"}),
}


def value_of(name: str, record: dict) -> bytes:
    """Return a record as it lies on the topic: a zero byte, four bytes of schema id, the Avro body."""
    body = io.BytesIO()
    schemaless_writer(body, SCHEMAS[name], record)
    return b"\0" + IDS[name].to_bytes(4, "big") + body.getvalue()


def connected(brokers: str) -> Producer:
    """Return a producer that puts a key where Java puts it: librdkafka's own default is CRC32."""
    return Producer(
        {
            "bootstrap.servers": brokers,
            "partitioner": "murmur2_random",
            "acks": "all",
            "compression.type": "lz4",
        }
    )


# quick start ends


def publish(brokers: str, prefix: str) -> int:
    """Publish one Send and one Feedback; return 0 once both are acknowledged."""
    faults = []
    producer = connected(brokers)
    for role, name, record in (("sends", "mail.Send", SEND), ("feedback", "mail.Feedback", FEEDBACK)):
        producer.produce(
            f"{prefix}{role}",
            key=MESSAGE_ID,
            value=value_of(name, record),
            on_delivery=lambda error, _: faults.append(error) if error else None,
        )
    left = producer.flush(PATIENCE_S)
    print(f"published 2 records, {left} without an answer, {len(faults)} refused {faults or ''}")
    return 1 if left or faults else 0


def verify() -> int:
    """Hold bytes and partitions against golden.json; return 0 where all are the same."""
    golden = json.loads((KIT / "golden.json").read_text("utf-8"))
    made = {"mail.SendRequest": SEND_REQUEST, "mail.Send": SEND, "mail.Feedback": FEEDBACK}
    wrong = []
    for one in golden["values"]:
        name, what = one["schema"], one["example"]
        record = next(iter(json_reader(io.StringIO(json.dumps(one["avro_json"])), SCHEMAS[name])))
        records = [record, made[name]] if what == "least" else [record]
        wrong += [f"{name} {what}: other bytes" for each in records if value_of(name, each).hex() != one["hex"]]
    keys = [(one["key"], one["partitions"]["4"]) for one in golden["values"] + golden["partitioner"]]
    wrong += partitions_wrong(keys)
    for words in wrong:
        print(words, file=sys.stderr)
    print(f"python: {len(golden['values'])} values, {len(keys)} keys, {len(wrong)} wrong")
    return 1 if wrong else 0


def partitions_wrong(keys: list) -> list:
    """Ask librdkafka's own partitioner, on the mock cluster of four partitions that it brings along."""
    # log_level: or it says on stderr that it is a mock
    producer = Producer({"test.mock.num.brokers": 1, "partitioner": "murmur2_random", "log_level": 0})
    found = []
    for key, _ in keys:
        producer.produce("keys", key=key.encode(), on_delivery=lambda _, message: found.append(message))
    producer.flush(PATIENCE_S)
    lies = {message.key().decode(): message.partition() for message in found}
    return [f"key {key[:40]!r}: other partition" for key, partition in keys if lies.get(key) != partition]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["verify"]:
            sys.exit(verify())
        case ["publish", to]:
            sys.exit(publish(to, "ses."))
        case ["publish", to, topics]:
            sys.exit(publish(to, topics))
        case _:
            sys.exit(__doc__)

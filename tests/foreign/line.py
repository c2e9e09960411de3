"""A worker as it runs for users, its topics on Apache Kafka, a registry beside it, and what comes out at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import admin as administration
from confluent_kafka.admin import AdminClient

from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.schemas.codec import Codec, load_codec
from streams.schemas.registry import Client as RegistryClient
from streams.schemas.registry import Registry
from streams.settings import Security
from streams.topics import plan
from tests.foreign.clients import Client, Post
from tests.schemas.registry_twin import Twin

PARTITIONS = 4
PATIENCE_S = 60.0
FOR_EVER = str((1 << 63) - 1)


class Record(NamedTuple):
    """One record as it lies."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Line:
    """Topics of its own under *prefix*, a worker on them, and a reader of all that it says."""

    def __init__(self, brokers: str, twin: Twin, home: Path, prefix: str, **settings: object) -> None:
        """Make the topics, register the schemas; the worker does not run yet. *settings* are more of its own."""
        self.brokers, self.twin, self.prefix, self.home = brokers, twin, prefix, home
        self.codec: Codec = load_codec()  # with the ids of the lock; those of the twin are the worker's own
        list(Registry(RegistryClient(twin.url), prefix).register())
        ensure_topics(brokers, Security(), plan(prefix=prefix, partitions=PARTITIONS, replication=1, group=prefix[:-1]))
        self.worker = Worker(
            {f"SES_STREAMS_{name}": str(value) for name, value in (self._settings() | settings).items()}, home
        )
        self._readers: dict[str, Consumer] = {}
        self._read: dict[str, list[Record]] = {}

    def _settings(self) -> dict[str, object]:
        return {
            "BROKERS": self.brokers,
            "GROUP": self.prefix[:-1],
            "TOPIC_PREFIX": self.prefix,
            "PARTITIONS": PARTITIONS,
            "REPLICATION": 1,
            "ENGINE__SESSION_TIMEOUT_MS": 6000,
            "ENGINE__COMMIT_INTERVAL_MS": 100,
            "SCHEMA_REGISTRY__URL": self.twin.url,
        }

    def name(self, role: str) -> str:
        """Return a topic's name."""
        return self.prefix + role

    def take_any_time(self, role: str) -> None:
        """Let a topic keep its producers' times, whatever these are."""
        kafka: Any = administration  # its stubs do not say that these are public
        resource = kafka.ConfigResource(kafka.ResourceType.TOPIC, self.name(role))
        for name, value in {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.before.max.ms": FOR_EVER,
            "message.timestamp.after.max.ms": FOR_EVER,
        }.items():
            entry = kafka.ConfigEntry(name, value, incremental_operation=kafka.AlterConfigOpType.SET)
            resource.add_incremental_config(entry)
        admin = AdminClient({"bootstrap.servers": self.brokers})
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(PATIENCE_S)

    def publish(self, client: Client, *posts: Post) -> None:
        """Publish by *client*; topics are named by role."""
        client(self.brokers, [post._replace(topic=self.name(post.topic)) for post in posts])

    def read(self, role: str) -> list[Record]:
        """Return all that a topic holds so far, in the order in which it was met."""
        if role not in self._readers:
            reader = Consumer(
                {
                    "bootstrap.servers": self.brokers,
                    "group.id": "reader",
                    "enable.auto.commit": False,
                    "fetch.queue.backoff.ms": 20,  # its default is a second
                }
            )
            reader.assign([TopicPartition(self.name(role), number, 0) for number in range(PARTITIONS)])
            self._readers[role], self._read[role] = reader, []
        for message in self._readers[role].consume(5_000, 0.1):
            assert message.error() is None, message.error()
            place = message.partition(), message.offset()
            assert None not in place
            self._read[role].append(Record(place[0] or 0, place[1] or 0, message.key(), message.value()))
        return self._read[role]

    def said(self, role: str, schema: str) -> list[dict[str, Any]]:
        """Return the records of a topic, as far as they are read, decoded; those of the worker bear the twin's ids."""
        header = self.codec.header(schema)
        values = [record.value for record in self._read.get(role, [])]
        return [self.codec.decode(schema, header + value[len(header) :]) for value in values if value is not None]

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until *holds*, while the worker lives."""
        until = time.monotonic() + PATIENCE_S
        while not holds():
            self.worker.check()
            assert time.monotonic() < until, f"{what}: waited in vain\n{self.worker.last_words()}"

    def wait_until_joined(self, message_ids: set[str]) -> dict[str, dict[str, Any]]:
        """Wait until each message has its outcome; return them by message id."""

        def found() -> dict[str, dict[str, Any]]:
            return {one["message_id"]: one for one in self.said("outcomes", "mail.Outcome")}

        def all_there() -> bool:
            self.read("outcomes")
            return message_ids <= found().keys()

        self.wait_for(all_there, f"outcomes of {len(message_ids)} messages")
        return {key: outcome for key, outcome in found().items() if key in message_ids}

    def wait_for_letter(self, value: bytes | None, key: bytes | None) -> dict[str, Any]:
        """Wait for the dead letter of a record; return it."""

        def found() -> list[dict[str, Any]]:
            letters = self.said("dead-letters", "mail.DeadLetter")
            return [one for one in letters if one["value"] == value and one["key"] == key]

        def there() -> bool:
            self.read("dead-letters")
            return bool(found())

        self.wait_for(there, "a dead letter")
        return found()[-1]

    def letters(self) -> int:
        """Return how many dead letters there are."""
        return len(self.read("dead-letters"))

    def close(self) -> None:
        """Stop everything."""
        self.worker.kill()
        for reader in self._readers.values():
            reader.close()

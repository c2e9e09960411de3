"""An operator's hand on the cluster: topics deleted, made again, grown, cut short, forbidden; and what lies where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its re-exports are public, and not marked so
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.faults.stage import Stage
from tests.faults.topics import Reader, Record
from tests.faults.watch import wait_until
from tests.kafka.cluster import Cluster

PATIENCE_S = 30.0


def _admin(stage: Stage) -> AdminClient:
    return AdminClient({"bootstrap.servers": stage.broker.address})


def _done(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        future.result(PATIENCE_S)


def delete(stage: Stage, topic: str) -> None:
    """Delete a topic, and wait until the brokers have forgotten it."""
    admin = _admin(stage)
    _done(admin.delete_topics([topic]))
    wait_until(lambda: topic not in admin.list_topics(timeout=5).topics, f"{topic} is gone")


def create(stage: Stage, topic: str, partitions: int, config: dict[str, str] | None = None) -> None:
    """Make a topic, as soon as the brokers let us."""
    admin = _admin(stage)

    def made() -> bool:
        try:
            _done(admin.create_topics([NewTopic(topic, partitions, 1, config=config or {})]))
        except KafkaException:  # its old self is still being deleted
            return False
        return True

    wait_until(made, f"{topic} is made")
    wait_until(lambda: topic in admin.list_topics(timeout=5).topics, f"{topic} is there")


def grow(stage: Stage, topic: str, partitions: int) -> None:
    """Give a topic more partitions."""
    admin = _admin(stage)
    _done(admin.create_partitions([NewPartitions(topic, partitions)]))


def configure(stage: Stage, topic: str, config: Mapping[str, str]) -> None:
    """Set some of a topic's settings."""
    admin, entries = _admin(stage), [_entry(*item) for item in config.items()]
    _done(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]))


def _entry(name: str, value: str) -> ConfigEntry:
    return ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)


def cut_short(stage: Stage, topic: str, before: Mapping[int, int]) -> None:
    """Delete the records of a topic's partitions before an offset of each."""
    admin = _admin(stage)
    _done(admin.delete_records([TopicPartition(topic, partition, offset) for partition, offset in before.items()]))


def by_the_door(cluster: Cluster) -> dict[str, Any]:
    """Return the settings of a worker that comes in by the secured door, where ACLs hold."""
    assert cluster.door is not None
    said = {name.removeprefix("SES_STREAMS_").lower(): value for name, value in cluster.door.settings().items()}
    return {"brokers": f"127.0.0.1:{cluster.door.port}", **said}


def allow_again(stage: Stage, topic: str) -> None:
    """Lift what forbids anybody anything with one topic."""
    admin = _admin(stage)
    anything = AclBindingFilter(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        None,  # type: ignore[arg-type]  # anybody
        None,  # type: ignore[arg-type]  # from anywhere
        AclOperation.ANY,
        AclPermissionType.DENY,
    )
    _done(admin.delete_acls([anything]))


@contextmanager
def reading(stage: Stage, topics: Sequence[str]) -> Iterator[Reader]:
    """Read topics from their beginnings, apart from the stage's own reader."""
    reader = Reader(stage.broker.address, stage.group, topics, stage.setting.partitions)
    try:
        yield reader
    finally:
        reader.close()


def records(stage: Stage, topic: str) -> list[Record]:
    """Return all records of a topic that are there and committed."""
    with reading(stage, [topic]) as reader:
        return list(reader.read_on(PATIENCE_S))


def nothing_is_acknowledged_past_poison(stage: Stage) -> None:
    """See that the group's offsets stand before, or at, the first record of each input that must be set aside."""
    due = set(stage.ledger.letters())
    names = {stage.topics[role]: role for role in ("sends", "feedback")}
    first: dict[tuple[str, int], int] = {}
    with reading(stage, list(names)) as reader:
        for record in reader.read_on(PATIENCE_S):
            if (names[record.topic], record.key, record.value) in due:
                first.setdefault((record.topic, record.partition), record.offset)
        committed = reader.committed(names)
    assert first, "nothing had to be set aside: the traffic was too little"
    past = {tp: (committed[tp], offset) for tp, offset in first.items() if committed[tp] > offset}
    assert not past, f"acknowledged, and where the first poison lies: {past}"

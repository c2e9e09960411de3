"""A cluster is lost, and another is in its place: a mirror, filled by Apache Kafka's MirrorMaker, or an empty one.

The mirror's settings are those of docs/disaster-recovery.md. The other cluster answers at the address of the lost one,
so whoever speaks with it needs to know nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from tests.faults.evidence import Evidence
from tests.faults.hand import reading
from tests.faults.page import blocks
from tests.faults.stage import Broker, Stage
from tests.faults.wire import Wire
from tests.kafka.cluster import Cluster
from tests.kafka.mirror import Mirror

FOR_A_TEST = """
replication.factor = 1
offset-syncs.topic.replication.factor = 1
checkpoints.topic.replication.factor = 1
heartbeats.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
emit.checkpoints.interval.seconds = 1
sync.group.offsets.interval.seconds = 1
refresh.topics.interval.seconds = 2
refresh.groups.interval.seconds = 2
"""
"""What a real one leaves as it is: a test has one broker, and a minute."""


@contextmanager
def mirrored(stage: Stage, spare: Cluster, which: str = "") -> Iterator[Cluster]:
    """Mirror the stage's cluster to another, as the page says; or *which* topics only."""
    [said] = blocks("Before it happens", "properties")
    ours = (stage.prefix.replace(".", "[.]") + (f"({which})" if which else ".*"), stage.group)
    topics = ours[0] if which else f"{ours[0]}, {ours[1]}-.*-changelog"
    for old, new in (
        ("kafka-east.example.com:9092", stage.broker.address),
        ("kafka-west.example.com:9092", spare.brokers),
        ("ses[.].*, ses-streams-.*-changelog", topics),
        ("groups = ses-streams", f"groups = {stage.group}"),
    ):
        assert old in said
        said = said.replace(old, new)
    with at(stage, spare):
        stage._command("topics", "create")
    with Mirror(stage.home / "mirror", said + FOR_A_TEST) as mirror:
        try:
            yield spare
        except AssertionError as waited:
            raise AssertionError(f"{waited}\n{mirror.last_words()}") from waited


def caught_up(stage: Stage, spare: Cluster, topics: list[str]) -> bool:
    """Tell whether the mirror has as many records as the cluster, and, where it has all topics, the group's offsets."""
    whole = len(topics) == len(stage.topics)
    names = [*topics, *(stage.changelogs if whole else ())]
    return ends(stage, stage.broker, names) == ends(stage, spare, names) and (not whole or begun(stage, spare))


def begun(stage: Stage, spare: Cluster) -> bool:
    """Tell whether the mirror has some of the group's offsets, and so some of everything."""
    inputs = [stage.topics[role] for role in stage.setting.inputs]
    with at(stage, spare), reading(stage, inputs) as reader:
        return any(reader.committed(inputs).values())


def ends(stage: Stage, broker: Broker, names: list[str]) -> list[int] | None:
    """Return where each partition of these topics ends; None where one has no leader yet, for the topics are new."""
    with at(stage, broker), reading(stage, names) as reader:
        try:
            return [reader.high(name, partition) for name in names for partition in range(stage.setting.partitions)]
        except KafkaException:
            return None


@contextmanager
def at(stage: Stage, broker: Broker) -> Iterator[None]:
    """Have the stage speak with another cluster meanwhile."""
    there, stage.broker = stage.broker, broker
    try:
        yield
    finally:
        stage.broker = there


def lost(stage: Stage, cluster: Cluster) -> float:
    """Lose the cluster, the workers and their volumes; return when."""
    began = time.monotonic()
    for node in cluster.nodes:
        node.kill()
    for worker in stage.workers.values():
        worker.kill()
        shutil.rmtree(worker.data)
    stage.workers.clear()
    return began


@contextmanager
def in_its_place(stage: Stage, cluster: Cluster, spare: Cluster | None) -> Iterator[None]:
    """Have the mirror, or an empty cluster, answer where the lost one did; what is judged lies there."""
    home = stage.home / "kafka-anew"
    if spare is not None:
        for node in spare.nodes:
            node.stop()
        home = spare.nodes[0].home.parent
    ports = tuple(int(address.rpartition(":")[2]) for address in cluster.brokers.split(","))
    with Cluster(home, len(cluster.nodes), ports=ports):
        if stage._reader is not None:
            stage._reader.close()
        stage._reader = None
        stage.evidence = Evidence(Wire(), {name: role for role, name in stage.topics.items()})
        yield

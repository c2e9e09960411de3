"""Publishers for topics that are there: a topic that a broker makes by itself is the wrong one."""

from __future__ import annotations

from collections.abc import Collection

from streams.emit.admin import existing_topics
from streams.emit.publish import LARGEST, Publisher
from streams.errors import NO_TOPIC, WorldFailed
from streams.settings import Settings
from streams.topics import plan


def ready_publisher(settings: Settings, topics: Collection[str], *, largest: int = LARGEST) -> Publisher:
    """Return a publisher as the settings say, once *topics* (their names) are known to exist; *largest* as it says.

    Raises:
        WorldFailed: no broker answers, or a topic is missing.

    """
    check_topics(settings, topics)
    return Publisher(
        settings.brokers,
        settings.security,
        idempotent=settings.producer.idempotent,
        compression=settings.producer.compression,
        largest=largest,
    )


def check_topics(settings: Settings, topics: Collection[str]) -> None:
    """Return if *topics* (their names) exist.

    Raises:
        WorldFailed: no broker answers, or a topic is missing.

    """
    every = plan(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication=settings.replication,
        group=settings.group,
    )
    wanted = [topic for topic in every if topic.name in topics]
    missing = sorted(set(topics) - existing_topics(settings.brokers, settings.security, wanted).keys())
    if missing:
        raise WorldFailed(f"brokers {settings.brokers} have no topic {', '.join(missing)}: {NO_TOPIC}")

"""Reads a topic for `ses-streams kit check`: its configuration, its last records, and how many bytes they took.

A plain consumer of what is committed, in no group; nothing is written and nobody is disturbed. Whether records come
compressed is told by nobody, so librdkafka's own figures are asked: bytes on the wire against bytes of records.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streams.cli.kit_judging import Judge
from streams.emit.admin import existing_topics
from streams.emit.topic import Told, Topic
from streams.errors import NO_TOPIC, WorldFailed
from streams.settings import Settings
from streams.topics import ROLES, TopicPlan, TopicState, topic_name

_FIGURES_MS = 100


def topic_state(settings: Settings, role: str) -> TopicState:
    """Return the topic of a role as the brokers describe it; WorldFailed where there is none, or nobody answers."""
    name = topic_name(settings.topic_prefix, role)
    wanted = TopicPlan(name=name, partitions=1, replication=1, config={})
    found = existing_topics(settings.brokers, settings.security, [wanted]).get(name)
    if found is None:
        raise WorldFailed(f"brokers {settings.brokers} have no topic {name}: {NO_TOPIC}")
    return found


def read_into(judge: Judge, settings: Settings, role: str, last: int | None, told: Told | None = None) -> int:
    """Show the records of a topic to *judge*, of each partition the *last* so many; return how many there are in all.

    Raises:
        WorldFailed: the brokers refuse, or send nothing for half a minute.

    """
    figures = Figures(topic_name(settings.topic_prefix, role))
    more = {"statistics.interval.ms": _FIGURES_MS, "stats_cb": figures.told}
    with Topic(settings, role, more=more) as topic:
        for row in topic.to_the_end(told, last=last):
            judge.see(row)
        topic.more(2 * _FIGURES_MS / 1000)  # the last figures come while one waits
        judge.travelled(figures.wire, figures.payload, topic.held)
        return topic.held


class Figures:
    """What librdkafka says of its own work."""

    def __init__(self, topic: str) -> None:
        """Start with nothing."""
        self._topic = topic
        self.wire = 0
        self.payload = 0

    def told(self, said: str) -> None:
        """Take its figures, as JSON."""
        figures: dict[str, Any] = json.loads(said)
        self.wire = sum(broker["rxbytes"] for broker in figures["brokers"].values())
        parts = figures["topics"].get(self._topic, {"partitions": {}})["partitions"]
        self.payload = sum(part["rxbytes"] for part in parts.values())


def judged(
    settings: Settings, role: str, last: int | None, make: Callable[[str, int], Judge], told: Told | None = None
) -> tuple[Judge, int]:
    """Judge a topic; return the judge, who knows what was found, and how many records the topic holds.

    *make* makes the judge of a schema and a number of partitions.
    """
    state = topic_state(settings, role)
    judge = make(ROLES[role].value, state.partitions)
    judge.configured(state.config)
    return judge, read_into(judge, settings, role, last, told)

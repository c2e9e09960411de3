"""Makes topics and looks at them: the doing for the plan of streams/topics.py.

Everything waits until the brokers' metadata shows it, because a worker that starts a second too early would be told
that its topics do not exist. Never deletes and never alters: that is an operator's hand on an operator's tool.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its re-exports are public, and not marked so
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from streams.emit.connection import librdkafka
from streams.emit.publish import told
from streams.errors import WorldFailed
from streams.settings import Security
from streams.topics import TopicPlan, TopicState

T = TypeVar("T")
_PAUSE_S = 0.1
_MARGIN_S = 5.0
_HINTS = {
    KafkaError.INVALID_REPLICATION_FACTOR: "; set SES_STREAMS_REPLICATION, to 1 for a single broker",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "; this user may not create topics",
}
_QUIET = logging.getLogger("librdkafka")
_QUIET.addHandler(logging.NullHandler())


def existing_topics(
    brokers: str, security: Security, plan: Sequence[TopicPlan], timeout_s: float = 10.0
) -> dict[str, TopicState]:
    """Return those topics of the plan that exist, as the brokers describe them.

    Raises:
        WorldFailed: the brokers do not answer, or refuse.

    """
    with _asking(brokers, security) as admin:
        shown = _shown(admin, timeout_s)
        names = [topic.name for topic in plan if topic.name in shown]
        configs = _configs(admin, names, timeout_s)
    return {name: _state(shown[name], configs.get(name, {})) for name in names}


def ensure_topics(brokers: str, security: Security, plan: Sequence[TopicPlan], timeout_s: float = 30.0) -> list[str]:
    """Create what is missing and return its names; what exists stays as it is.

    Raises:
        WorldFailed: the brokers do not answer, refuse a topic, or do not show it in time.

    """
    with _asking(brokers, security) as admin:
        there = _shown(admin, timeout_s)
        missing = [topic for topic in plan if topic.name not in there]
        made = _create(admin, missing, timeout_s) if missing else []
        _await_shown(admin, [topic.name for topic in missing], timeout_s)
    return made


def answer(asked: Future[T], timeout_s: float) -> T:
    """Return what brokers answered to one question, which was asked with *timeout_s*.

    librdkafka gives up after that; we wait longer, for a client must not go while it is being asked.
    """
    return asked.result(timeout_s + _MARGIN_S)


@contextlib.contextmanager
def _asking(brokers: str, security: Security) -> Iterator[AdminClient]:
    """Give a client; where it fails, say so in librdkafka's most telling words.

    The exception says only that the transport failed; why (refused, login, certificate) comes by the error callback,
    and on a log that librdkafka would otherwise write to stderr by itself, once a try.
    """
    said: list[str] = []
    words = librdkafka(brokers, security) | {"error_cb": lambda error: said.append(error.str())}
    admin = AdminClient(words, logger=_QUIET)
    try:
        yield admin
    except KafkaException as error:
        admin.poll(0)
        raise WorldFailed(f"brokers {brokers}: {said[0] if said else told(error)}") from error


def _create(admin: AdminClient, missing: Sequence[TopicPlan], timeout_s: float) -> list[str]:
    """Ask for all at once; a topic that somebody else made meanwhile is as good as ours."""
    wanted = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions,
            replication_factor=topic.replication,
            config=dict(topic.config),
        )
        for topic in missing
    ]
    made = []
    asked = admin.create_topics(wanted, operation_timeout=timeout_s, request_timeout=timeout_s)
    for name, told_of in asked.items():
        try:
            answer(told_of, timeout_s)
        except KafkaException as error:
            code = error.args[0].code()
            if code != KafkaError.TOPIC_ALREADY_EXISTS:
                hint = _HINTS.get(code, "")
                raise WorldFailed(f"topic {name} cannot be made: {told(error)}{hint}") from error
        else:
            made.append(name)
    return made


def _await_shown(admin: AdminClient, names: Sequence[str], timeout_s: float) -> None:
    """Wait until every topic has a leader for each partition."""
    until = time.monotonic() + timeout_s
    while unseen := sorted(set(names) - set(_shown(admin, timeout_s))):
        if time.monotonic() > until:
            raise WorldFailed(f"topics made but not shown by the brokers after {timeout_s:.0f} s: {', '.join(unseen)}")
        time.sleep(_PAUSE_S)


def _shown(admin: AdminClient, timeout_s: float) -> dict[str, tuple[int, int]]:
    """Return partitions and replication of every topic that is ready."""
    found = {}
    for name, topic in admin.list_topics(timeout=timeout_s).topics.items():
        parts = topic.partitions.values()
        if parts and all(part.leader >= 0 for part in parts):
            found[name] = (len(parts), min(len(part.replicas) for part in parts))
    return found


def _configs(admin: AdminClient, names: Sequence[str], timeout_s: float) -> Mapping[str, dict[str, str]]:
    """Return what the brokers say of each topic's configuration."""
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(asked, request_timeout=timeout_s) if asked else {}
    return {
        resource.name: {entry.name: entry.value for entry in answer(said, timeout_s).values() if entry.value}
        for resource, said in answers.items()
    }


def _state(shape: tuple[int, int], config: Mapping[str, str]) -> TopicState:
    return TopicState(partitions=shape[0], replication=shape[1], config=config)

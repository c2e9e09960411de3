"""How the doctor asks brokers: an admin client with short patience, whose failures become words of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.cli.doctor.world import World
from streams.emit import admin
from streams.emit.connection import librdkafka
from streams.emit.publish import told
from streams.errors import WorldFailed

T = TypeVar("T")
_QUIET = logging.getLogger("librdkafka")
_QUIET.addHandler(logging.NullHandler())


@contextmanager
def asking(world: World) -> Iterator[AdminClient]:
    """Give a client.

    Raises:
        WorldFailed: the brokers do not answer, or refuse.

    """
    patience_ms = int(world.patience_s * 1000)
    words = librdkafka(world.settings.brokers, world.settings.security) | {
        "socket.timeout.ms": patience_ms,
        "socket.connection.setup.timeout.ms": max(patience_ms, 1000),  # librdkafka allows no less
    }
    try:
        yield AdminClient(words, logger=_QUIET)
    except KafkaException as error:
        raise WorldFailed(told(error)) from error


def answer(asked: Future[T], world: World) -> T:
    """Return what brokers answered to one question, which was asked with our patience."""
    return admin.answer(asked, world.patience_s)

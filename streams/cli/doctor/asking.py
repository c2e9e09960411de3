"""How the doctor asks brokers: an admin client with short patience, whose failures become words of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.cli.doctor.world import World
from streams.emit.connection import librdkafka
from streams.errors import WorldFailed

_MARGIN_S = 5.0
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
    """Return what brokers answered to one question.

    librdkafka gives up after our patience; we wait longer than that, for a client must not go while it is being asked.
    """
    return asked.result(world.patience_s + _MARGIN_S)


def told(error: KafkaException) -> str:
    """Return what librdkafka says, without its Python wrapping."""
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)

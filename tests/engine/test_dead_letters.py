"""Dead letters in a whole worker: too many stop it, and so does one that cannot be written; nothing is passed over."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its re-exports are public, and not marked so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.emit.topic import Topic
from streams.errors import WorldFailed
from streams.settings import Security, Settings
from streams.topics import plan
from tests.builders import CODEC, event, send
from tests.engine.conftest import Broker
from tests.kafka.cluster import Cluster

PATIENCE_S = 120.0
STOPPED = 3
ON_KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)
BAD = b"\0" + (987_654_321).to_bytes(4, "big") + b"of a schema that nobody knows"


class Post:
    """A worker with topics of its own, and what goes in and comes out."""

    def __init__(self, broker: Broker, home: Path, **settings: object) -> None:
        """Make the topics; nothing runs yet."""
        self.group = f"g{uuid.uuid4().hex[:8]}"
        self.prefix = f"{self.group}."
        self.brokers = broker.address
        self._idempotent = isinstance(broker, Cluster)
        self._home = home
        self.workers: list[Worker] = []
        self.settings = Settings(brokers=self.brokers, topic_prefix=self.prefix, group=self.group, partitions=1)
        ensure_topics(self.brokers, Security(), plan(prefix=self.prefix, partitions=1, replication=1, group=self.group))
        self._said = settings

    def worker(self, **settings: object) -> Worker:
        """Start a worker."""
        said = {
            "BROKERS": self.brokers,
            "GROUP": self.group,
            "TOPIC_PREFIX": self.prefix,
            "PARTITIONS": 1,
            "REPLICATION": 1,
            "PRODUCER__IDEMPOTENT": str(self._idempotent).lower(),
            "ENGINE__SESSION_TIMEOUT_MS": 6000,
            "ENGINE__COMMIT_INTERVAL_MS": 50,
            **self._said,
            **settings,
        }
        home = self._home / f"worker-{len(self.workers)}"
        home.mkdir()
        made = Worker({f"SES_STREAMS_{name}": str(value) for name, value in said.items()}, home)
        self.workers.append(made)
        made.start()
        return made

    def feed(self, role: str, values: list[bytes], key: bytes = b"m-1") -> None:
        """Publish records."""
        with Publisher(self.brokers, idempotent=False, largest=8 << 20) as publisher:
            for value in values:
                publisher.publish(self.prefix + role, key, value)

    def read(self, role: str, name: str) -> list[dict[str, Any]]:
        """Return what is on a topic."""
        with Topic(self.settings, role) as topic:
            return [CODEC.decode(name, row.value) for row in topic.to_the_end() if row.value is not None]

    def letters(self) -> list[tuple[int, bytes]]:
        """Return the offsets and values of what was set aside."""
        return [(letter["offset"], letter["value"]) for letter in self.read("dead-letters", "mail.DeadLetter")]

    def committed(self, role: str) -> int:
        """Return up to where the worker has acknowledged an input."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": self.group})
        try:
            (found,) = consumer.committed([TopicPartition(self.prefix + role, 0)], timeout=10)
        except KafkaException:
            return -1  # the group's coordinator is not there yet
        finally:
            consumer.close()
        return max(found.offset, 0)

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, while the worker lives."""
        until = time.monotonic() + PATIENCE_S
        while not holds():
            self.workers[-1].check()
            assert time.monotonic() < until, self.workers[-1].last_words()
            time.sleep(0.05)

    def last_words(self) -> str:
        """Return why the worker stopped by itself; fail where it does not."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with suppress(WorldFailed):
                self.workers[-1].check()
                time.sleep(0.05)
                continue
            break
        code = self.workers[-1].stop()
        words = self.workers[-1].log.read_text()
        assert code == STOPPED, words
        assert "@" not in words
        return words

    def set_config(self, role: str, **config: str) -> None:
        """Change how a topic is kept."""
        entries = [
            ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, self.prefix + role, incremental_configs=entries)
        admin = AdminClient({"bootstrap.servers": self.brokers})
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(10)

    def delete(self, role: str) -> None:
        """Delete a topic."""
        admin = AdminClient({"bootstrap.servers": self.brokers})
        for done in admin.delete_topics([self.prefix + role]).values():
            done.result(10)


Make = Callable[..., Post]


@pytest.fixture
def make(broker: Broker, tmp_path: Path) -> Iterator[Make]:
    """Return what makes a post."""
    made: list[Post] = []

    def makes(**settings: object) -> Post:
        made.append(Post(broker, tmp_path, **settings))
        return made[-1]

    try:
        yield makes
    finally:
        for post in made:
            for worker in post.workers:
                worker.kill()


def sends(first: int, count: int) -> list[bytes]:
    return [CODEC.encode("mail.Send", send(f"m-{number}")) for number in range(first, first + count)]


def test_a_worker_stops_before_the_chunk_that_goes_too_far_and_sets_it_aside_only_when_told_to(make: Make) -> None:
    post = make()
    post.feed("sends", [*sends(0, 980), *[BAD] * 20])
    post.worker()
    post.wait(lambda: post.committed("sends") == 1_000)  # 2 %: single records are their producers' fault
    assert [offset for offset, _ in post.letters()] == list(range(980, 1_000))
    post.feed("sends", [*[BAD] * 700, *sends(2_000, 5)])
    words = post.last_words()
    said = re.search(
        r"BY_MESSAGE gave up [\d,]+ of its last [\d,]+ records .* the last at (\S+)/0 offset (\d+), .*", words
    )
    assert said is not None, words
    assert said[1] == f"{post.prefix}sends"
    assert "ses-streams dead-letters list --stage BY_MESSAGE --reason UNKNOWN_SCHEMA" in said[0]
    acknowledged = post.committed("sends")
    assert [offset for offset, _ in post.letters() if offset >= acknowledged] == []
    post.worker(DEAD_LETTERS__MAX_SHARE=1)
    post.wait(lambda: post.committed("sends") == 1_705)
    assert post.letters() == [(offset, BAD) for offset in [*range(980, 1_000), *range(1_000, 1_700)]]
    post.feed("feedback", [CODEC.encode("mail.Feedback", event("DELIVERY", "m-2004"))], b"m-2004")
    post.wait(lambda: post.committed("feedback") == 1)
    assert [outcome["matched"] for outcome in post.read("outcomes", "mail.Outcome")] == [True]
    assert post.workers[-1].stop() == 0


def test_a_record_as_large_as_its_topic_takes_is_set_aside_whole(make: Make) -> None:
    post = make()
    large, key = BAD + bytes(1_048_000), b"k" * 400
    post.feed("feedback", [large], key)
    post.worker(PRODUCER__COMPRESSION="none")
    post.wait(lambda: post.committed("feedback") == 1)
    assert post.letters() == [(0, large)]
    assert post.workers[-1].stop() == 0


@pytest.mark.parametrize("broker", [ON_KAFKA], indirect=True)  # the embedded broker takes whatever comes
def test_a_letter_that_its_topic_does_not_take_stops_the_worker_until_the_topic_does(make: Make) -> None:
    post = make()
    post.set_config("dead-letters", max_message_bytes="5000")
    post.feed("sends", [*sends(0, 3), BAD + bytes(6_000), *sends(3, 3)])
    for _ in range(2):  # and again: it is never passed over
        post.worker(PRODUCER__COMPRESSION="none", ENGINE__CHUNK_RECORDS=1)
        words = post.last_words()
        assert f"{post.prefix}dead-letters/0" in words
        assert f"{post.prefix}sends/0 offsets 3..3" in words
        assert "max.message.bytes" in words
        assert (post.committed("sends"), post.letters()) == (3, [])
    post.set_config("dead-letters", max_message_bytes="10000")
    post.worker(PRODUCER__COMPRESSION="none")
    post.wait(lambda: post.committed("sends") == 7)
    assert post.letters() == [(3, BAD + bytes(6_000))]
    assert post.workers[-1].stop() == 0


def test_a_worker_does_not_start_without_a_topic_for_dead_letters(make: Make) -> None:
    post = make()
    post.delete("dead-letters")
    post.feed("sends", [BAD])
    post.worker()
    words = post.last_words()
    assert f"{post.prefix}dead-letters" in words
    assert "ses-streams topics c" in words
    assert post.committed("sends") == 0


@pytest.mark.parametrize("broker", [ON_KAFKA], indirect=True)  # the embedded one goes on to acknowledge
def test_a_topic_that_is_deleted_under_a_worker_stops_it_with_nothing_acknowledged(make: Make) -> None:
    post = make()
    post.feed("sends", sends(0, 10))
    post.worker(ENGINE__STALL_SECONDS=10)
    post.wait(lambda: post.committed("sends") == 10)
    post.delete("dead-letters")
    post.feed("sends", [BAD, *sends(10, 3)])
    words = post.last_words()
    assert f"{post.prefix}dead-letters" in words
    assert "ses-streams topics c" in words
    assert post.committed("sends") == 10
    ensure_topics(post.brokers, Security(), plan(prefix=post.prefix, partitions=1, replication=1, group=post.group))
    post.worker()
    post.wait(lambda: post.committed("sends") == 14)
    assert post.letters() == [(10, BAD)]
    assert post.workers[-1].stop() == 0

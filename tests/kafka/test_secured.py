"""The whole product through TLS and a password, as clusters are run in earnest: commands, worker, what comes out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.demo.worker import Worker
from tests.conftest import Need, need_kafka
from tests.kafka.cluster import Cluster
from tests.kafka.secured import MECHANISMS, Door, deny

PATIENCE_S = 60.0
EVENT = (
    '{"eventType": "Delivery", "mail": {"messageId": "0100018c-1", "timestamp": "2026-01-02T03:04:05.000Z",'
    ' "source": "shop@example.com", "destination": ["ann@example.org"]},'
    ' "delivery": {"timestamp": "2026-01-02T03:04:06.000Z", "recipients": ["ann@example.org"]}}\n'
)
pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def kafka(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a node with a second, secured door."""
    need_kafka(need)
    with Cluster(tmp_path_factory.mktemp("secured"), secured=True) as cluster:
        yield cluster


def door_of(kafka: Cluster) -> Door:
    assert kafka.door is not None
    return kafka.door


def variables(kafka: Cluster, name: str, mechanism: str) -> dict[str, str]:
    said = {
        "BROKERS": f"127.0.0.1:{door_of(kafka).port}",
        "GROUP": name,
        "TOPIC_PREFIX": f"{name}.",
        "PARTITIONS": "2",
        "REPLICATION": "1",
        "JOIN__PARK_MINUTES": "0.01",
        "DISPATCH__ENABLED": "false",
    }
    return {f"SES_STREAMS_{name}": value for name, value in said.items()} | door_of(kafka).settings(mechanism)


def command(said: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams", *words],
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def outcomes(kafka: Cluster, topic: str) -> int:
    """Return how many records a topic has, as seen from the plain door."""
    reader = Consumer({"bootstrap.servers": kafka.brokers, "group.id": "reader"})
    ends = [reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=10) for partition in range(2)]
    reader.close()
    return sum(high for _, high in filter(None, ends))


def wait_until_it_ends(worker: Worker) -> str:
    """Wait until a worker has ended by itself; return what it said."""
    until = time.monotonic() + PATIENCE_S
    process = worker._process
    assert process is not None
    process.wait(max(until - time.monotonic(), 1))
    return worker.last_words()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_event_becomes_an_outcome_through_tls_and(kafka: Cluster, tmp_path: Path, mechanism: str) -> None:
    said = variables(kafka, mechanism.lower(), mechanism)
    events = tmp_path / "events.json"
    events.write_text(EVENT)
    for words in (("topics", "create"), ("topics", "check"), ("ingest", str(events))):
        done = command(said, *words)
        assert done.returncode == 0, done.stderr
    worker = Worker(said, tmp_path)
    worker.start()
    try:
        until = time.monotonic() + PATIENCE_S
        while not outcomes(kafka, f"{mechanism.lower()}.outcomes"):
            worker.check()
            assert time.monotonic() < until, worker.last_words()
            time.sleep(0.2)
        assert worker.stop() == 0
    finally:
        worker.kill()


def test_a_wrong_password_is_said_and_is_nowhere_in_the_log(kafka: Cluster, tmp_path: Path) -> None:
    said = variables(kafka, "wrong", "PLAIN") | {"SES_STREAMS_SECURITY__SASL_PASSWORD": "looking-glass"}
    done = command(said, "topics", "check")
    assert done.returncode == 3
    assert "looking-glass" not in done.stderr + done.stdout
    worker = Worker(said | {"SES_STREAMS_ENGINE__SESSION_TIMEOUT_MS": "6000"}, tmp_path)
    worker.start()
    try:
        words = wait_until_it_ends(worker)
    finally:
        worker.kill()
    assert "SaslAuthenticationFailed" in words
    assert "SES_STREAMS_SECURITY__SASL_PASSWORD" in words
    assert "looking-glass" not in worker.log.read_text()


def test_a_certificate_that_nobody_vouches_for_is_said(kafka: Cluster, tmp_path: Path) -> None:
    said = variables(kafka, "untrusted", "PLAIN")
    del said["SES_STREAMS_SECURITY__SSL_CAFILE"]
    worker = Worker(said, tmp_path)
    worker.start()
    try:
        words = wait_until_it_ends(worker)
    finally:
        worker.kill()
    assert "SES_STREAMS_SECURITY__SSL_CAFILE" in words


def test_a_topic_that_we_may_not_write_stops_the_worker_and_is_named(kafka: Cluster, tmp_path: Path) -> None:
    said = variables(kafka, "denied", "PLAIN")
    events = tmp_path / "events.json"
    events.write_text(EVENT)
    assert command(said, "topics", "create").returncode == 0
    assert command(said, "ingest", str(events)).returncode == 0
    deny(kafka.brokers, "denied.outcomes")
    worker = Worker(said, tmp_path)
    worker.start()
    try:
        words = wait_until_it_ends(worker)
    finally:
        worker.kill()
    assert "denied.outcomes" in words
    assert "TopicAuthorization" in words

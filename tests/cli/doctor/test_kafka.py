"""The doctor on Apache Kafka: its secured door, a user who may not, a group at work and one that is not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]  # public, and not marked so

from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.settings import Security
from streams.topics import plan
from tests.cli.conftest import Run
from tests.conftest import Need, need_kafka
from tests.kafka.cluster import Cluster
from tests.kafka.secured import deny

pytestmark = pytest.mark.kafka
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def secured(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a node with a second, secured door."""
    need_kafka(need)
    with Cluster(tmp_path_factory.mktemp("doctor"), secured=True) as cluster:
        yield cluster


@pytest.fixture
def by_door(run: Run, secured: Cluster, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Cluster:
    """Come in by the secured door, with topics of this test's own."""
    del run
    assert secured.door is not None
    name = f"d{crc32(request.node.nodeid.encode())}"
    ensure_topics(secured.brokers, Security(), plan(prefix=f"{name}.", partitions=2, replication=1, group=name))
    said = {"BROKERS": f"127.0.0.1:{secured.door.port}", "TOPIC_PREFIX": f"{name}.", "GROUP": name}
    said |= {"PARTITIONS": "2", "REPLICATION": "1"}
    for variable, value in {f"SES_STREAMS_{word}": value for word, value in said.items()}.items():
        monkeypatch.setenv(variable, value)
    for variable, value in secured.door.settings().items():
        monkeypatch.setenv(variable, value)
    return secured


def found(run: Run, groups: str, code: int) -> dict[str, dict[str, Any]]:
    ran = run("doctor", "--only", groups, "--json")
    assert ran.code == code, ran.out + ran.err
    return {one["finding"]: one for one in map(json.loads, ran.out.splitlines())}


def test_through_tls_and_a_password_all_is_well(by_door: Cluster, run: Run) -> None:
    said = found(run, "brokers,rights,topics,clock", 0)
    assert {"BROKERS_ANSWER", "RIGHTS_FINE", "TOPICS_FINE"} <= set(said)
    assert "4.1 or newer" in said["BROKERS_ANSWER"]["words"]


@pytest.mark.parametrize(
    ("name", "value", "finding"),
    [
        ("SASL_PASSWORD", "looking-glass", "LOGIN_REFUSED"),
        ("SSL_CAFILE", "", "CERTIFICATE_NOT_TRUSTED"),
    ],
)
def test_each_step_of_the_way_in_that_fails_is_told_apart(  # noqa: PLR0913, PLR0917 - fixtures, and what is varied
    by_door: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, finding: str
) -> None:
    monkeypatch.setenv(f"SES_STREAMS_SECURITY__{name}", value)
    ran = run("doctor", "--only", "brokers,topics", "--json")
    assert ran.code == 3
    assert {json.loads(line)["finding"] for line in ran.out.splitlines()} == {finding, "NOT_ASKED"}
    assert "looking-glass" not in ran.out + ran.err


def test_no_tls_where_there_must_be_is_told(by_door: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD", "SSL_CAFILE"):
        monkeypatch.delenv(f"SES_STREAMS_SECURITY__{name}")
    monkeypatch.setenv("SES_STREAMS_SECURITY__PROTOCOL", "PLAINTEXT")
    assert set(found(run, "brokers", 3)) <= {"PROTOCOL_DIFFERS", "BROKER_SILENT"}


def test_a_topic_that_we_may_not_write_is_named(by_door: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    prefix = os.environ["SES_STREAMS_TOPIC_PREFIX"]
    deny(by_door.brokers, f"{prefix}outcomes")
    until = time.monotonic() + PATIENCE_S
    while True:  # a rule reaches a node a moment later
        ran = run("doctor", "--only", "rights", "--json")
        if ran.code == 1 or time.monotonic() > until:
            break
        time.sleep(0.2)
    (said,) = [json.loads(line) for line in ran.out.splitlines()]
    assert said["finding"] == "TOPIC_FORBIDDEN"
    assert said["words"] == f"this user may not Write {prefix}outcomes"
    assert said["fix"].endswith(f"--operation Write --topic {prefix}outcomes")
    deny(by_door.brokers, f"{prefix}sends", AclOperation.DESCRIBE)
    while run("topics", "check").code == 0:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert "TOPIC_MISSING" in found(run, "topics", 1)


@pytest.fixture
def plain(kafka: Cluster, run: Run, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> dict[str, str]:
    """Give the settings of a worker with topics of this test's own."""
    del run
    name = f"d{crc32(request.node.nodeid.encode())}"
    ensure_topics(kafka.brokers, Security(), plan(prefix=f"{name}.", partitions=2, replication=1, group=name))
    said = {"BROKERS": kafka.brokers, "TOPIC_PREFIX": f"{name}.", "GROUP": name, "PARTITIONS": "2", "REPLICATION": "1"}
    variables = {f"SES_STREAMS_{word}": value for word, value in said.items()}
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    return variables


def test_a_group_is_unknown_then_at_work_then_gone(
    plain: dict[str, str], run: Run, tmp_path: Path, wait: Callable[[Callable[[], bool]], None]
) -> None:
    wait(lambda: "GROUP_UNKNOWN" in run("doctor", "--only", "group", "--json").out)  # the cluster has just started
    events = tmp_path / "events.json"
    events.write_text(
        '{"eventType": "Delivery", "mail": {"messageId": "m-1", "timestamp": "2026-01-02T03:04:05.000Z",'
        ' "destination": ["ann@example.org"]}, "delivery": {"recipients": ["ann@example.org"]}}\n'
    )
    assert run("ingest", str(events)).code == 0
    worker = Worker(plain, tmp_path)
    worker.start()
    try:
        wait(lambda: "GROUP_FINE" in run("doctor", "--only", "group", "--json").out)
    finally:
        worker.stop()
    wait(lambda: "GROUP_IDLE" in run("doctor", "--only", "group", "--json").out)
    assert run("ingest", str(events)).code == 0
    assert set(found(run, "group", 1)) == {"GROUP_EMPTY"}


@pytest.fixture
def wait() -> Callable[[Callable[[], bool]], None]:
    """Return what waits until something holds."""

    def until(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.2)

    return until


def test_a_node_that_is_lost_is_told_by_its_partitions(
    make_kafka: Callable[..., Cluster], run: Run, monkeypatch: pytest.MonkeyPatch, wait: Callable[..., None]
) -> None:
    cluster = make_kafka(nodes=3)
    ensure_topics(cluster.brokers, Security(), plan(prefix="ses.", partitions=4, replication=2, group="ses-streams"))
    monkeypatch.setenv("SES_STREAMS_BROKERS", cluster.brokers)
    monkeypatch.setenv("SES_STREAMS_REPLICATION", "2")
    assert "TOPICS_FINE" in found(run, "brokers,topics", 0)
    cluster.nodes[2].kill()
    wait(lambda: "COPIES_BEHIND" in run("doctor", "--only", "topics", "--json").out)
    assert set(found(run, "brokers", 3)) == {"BROKER_REFUSED", "BROKERS_ANSWER"}

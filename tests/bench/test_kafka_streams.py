"""The peer in Kafka Streams is of the brokers' version, and its list of jars is of its pom."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.join.peers.kafka_streams import HERE
from tests.kafka.jars import HERE as BROKERS

VERSION = re.compile(r"<artifactId>([\w.-]+)</artifactId>\s*<version>([\w.-]+)</version>")


def asked(project: Path) -> dict[str, str]:
    return dict(VERSION.findall((project / "pom.xml").read_text()))


def test_kafka_streams_is_of_the_version_of_the_brokers() -> None:
    assert asked(HERE)["kafka-streams"] == asked(BROKERS)["kafka_2.13"]


def test_the_jars_that_are_known_are_those_that_are_asked_for() -> None:
    known = (HERE / "jars.sha256").read_text().split()[1::2]
    pom = asked(HERE)
    assert {f"{name}-{pom[name]}.jar" for name in ("kafka-streams", "avro", "slf4j-simple")} <= set(known)

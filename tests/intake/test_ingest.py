"""`ses-streams ingest`: what it would publish is what it publishes, and it says how much of it there was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.emit.admin import ensure_topics, existing_topics
from streams.engine.broker import EmbeddedBroker
from streams.schemas.codec import load_codec
from streams.schemas.plain import to_plain
from streams.settings import Security
from streams.topics import plan
from tests.intake.corpus import ROOT, cases

PLAN = plan(prefix="ses.", partitions=4, replication=1, group="ses-streams")
TOPICS = {"mail.Feedback": "ses.feedback", "mail.DeadLetter": "ses.dead-letters", "mail.Send": "ses.sends"}
FEEDBACK = sum(len(one.feedback) for one in cases())
DEAD = sum(len(one.dead) for one in cases())
NO_EVENTS = sum(one.no_events for one in cases())


def ingest(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "streams", "ingest", *words],
        env={**os.environ, "COLUMNS": "500"},  # or a long path is broken over lines, and not found in them
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


def lines(said: bytes) -> list[dict[str, Any]]:
    """Return what was printed."""
    return [json.loads(line) for line in said.splitlines()]


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Give the address of a broker with our topics."""
    with EmbeddedBroker() as running:
        ensure_topics(running.address, Security(), PLAN)
        yield running.address


def _published(broker: str) -> Iterator[tuple[str, bytes | None, dict[str, Any]]]:
    """Yield what lies in our topics."""
    codec = load_codec()
    for name, topic in TOPICS.items():
        consumer = Consumer({"bootstrap.servers": broker, "group.id": "t", "enable.partition.eof": True})
        consumer.assign([TopicPartition(topic, number, 0) for number in range(4)])
        ended = 0
        while ended < 4:
            for message in consumer.consume(500, timeout=0.2):
                if message.error() is not None:
                    ended += 1
                else:
                    yield name, message.key(), to_plain(name, codec.decode(name, message.value() or b""))
        consumer.close()


def test_a_dry_run_prints_one_object_for_each_event_and_nothing_for_a_confirmation() -> None:
    done = ingest("--dry-run", "--json", str(ROOT))
    assert done.returncode == 0
    found = lines(done.stdout)
    assert Counter(next(iter(line)) for line in found) == {"mail.Feedback": FEEDBACK, "mail.DeadLetter": DEAD}
    assert all(list(line)[1:] == ["from"] and re.fullmatch(r".*/ses/.*:\d+", line["from"]) for line in found)


def test_what_a_dry_run_prints_is_what_is_published(broker: str) -> None:
    send = b'{"mail.Send": {"message_id": "<m-1@email.amazonses.com>", "sent_at": 0, "recipients": []}}\n'
    wanted = lines(ingest("--dry-run", "--json", str(ROOT), "-", stdin=send).stdout)
    done = ingest("--json", "--brokers", broker, str(ROOT), "-", stdin=send)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(b"passed over")
    found = list(_published(broker))

    def comparable(name: str, record: dict[str, Any]) -> str:
        return json.dumps([name, {**record, "at": None}], sort_keys=True)

    assert sorted(comparable(name, record) for name, _, record in found) == sorted(
        comparable(name, line[name]) for line in wanted for name in line if name != "from"
    )
    assert {key for name, key, _ in found if name == "mail.Send"} == {b"m-1"}
    assert all(key == record["message_id"].encode() for name, key, record in found if name == "mail.Feedback")
    (summary,) = lines(done.stdout)
    assert sum(summary["summary"]["feedback"].values()) == FEEDBACK
    assert sum(summary["summary"]["dead_letters"].values()) == DEAD
    assert summary["summary"]["no_events"] == NO_EVENTS
    assert summary["summary"]["records"] == {"mail.Send": 1}


def test_without_the_topics_nothing_is_published_and_none_is_made_by_accident() -> None:
    with EmbeddedBroker() as running:
        done = ingest("--brokers", running.address, str(ROOT))
        assert done.returncode == 3
        assert b"ses.feedback" in done.stderr
        assert b"ses-streams topics create" in done.stderr
        assert existing_topics(running.address, Security(), PLAN) == {}


def test_no_address_gets_into_what_is_said_on_stderr() -> None:
    done = ingest("--dry-run", "--json", "--progress", str(ROOT))
    assert b"@" not in done.stderr
    assert b"dead letters" in done.stderr


def test_a_bar_that_is_asked_for_is_drawn_beside_the_output_not_in_it() -> None:
    done = ingest("--dry-run", "--json", "--progress", str(ROOT))
    assert len(lines(done.stdout)) == FEEDBACK + DEAD
    assert "━".encode() in done.stderr
    assert "━".encode() not in ingest("--dry-run", "--json", str(ROOT)).stderr


def test_words_for_people_have_a_line_for_each_record() -> None:
    done = ingest("--dry-run", str(ROOT / "bounce-mixed-actions.json"), str(ROOT / "no-event.json"))
    bounce, dead = done.stdout.decode().splitlines()
    assert bounce.startswith("BOUNCE ")
    assert "one@example.org, two@example.org" in bounce
    assert "Transient/General" in bounce
    assert bounce.endswith("bounce-mixed-actions.json:1]")
    assert "NOT_AN_EVENT" in dead


def test_a_file_that_is_not_there_is_the_callers_fault(tmp_path: Path) -> None:
    done = ingest("--dry-run", str(tmp_path / "nowhere.json"))
    assert done.returncode == 2
    assert b"nowhere.json" in done.stderr


def test_standard_input_may_be_gzip() -> None:
    done = ingest("--dry-run", "--json", "-", stdin=(ROOT / "packed.gz").read_bytes())
    assert [line["from"] for line in lines(done.stdout)] == ["-:1", "-:2"]

"""`ses-streams ingest` from S3, killed and resumed: what is noted is in the topic, and what is not is read again."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.cli.ingesting import Pace
from streams.cli.progress import Progress
from streams.emit.admin import ensure_topics
from streams.engine.broker import EmbeddedBroker
from streams.errors import BadSettings, WorldFailed
from streams.intake.sources import Source, file_source
from streams.schemas.codec import load_codec
from streams.settings import Security
from streams.topics import plan
from tests.inlets.objects.conftest import Bucket

FILES, EACH = 30, 20


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Give the address of a broker with our topics."""
    with EmbeddedBroker() as running:
        topics = plan(prefix="ses.", partitions=4, replication=1, group="ses-streams")
        ensure_topics(running.address, Security(), topics)
        yield running.address


def command(bucket: Bucket | None, *words: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and its environment."""
    there = {} if bucket is None else {"SES_STREAMS_INTAKE__OBJECTS__ENDPOINT_URL": bucket.settings.endpoint_url or ""}
    environment = {**os.environ, "COLUMNS": "500", "SES_STREAMS_INTAKE__OBJECTS__REGION": "eu-west-1", **there}
    return [sys.executable, "-m", "streams", "ingest", *words], environment


def ingest(bucket: Bucket | None, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end."""
    asked, environment = command(bucket, *words)
    return subprocess.run(asked, env=environment, capture_output=True, check=False, timeout=120)


def summary(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    """Return what it says of itself."""
    said: dict[str, Any] = json.loads(done.stdout)["summary"]
    return said


def fill(bucket: Bucket, first: str) -> set[str]:
    """Put objects as Firehose writes them; return the ids of all events."""
    ids = set()
    for file in range(FILES):
        names = [f"{first}-{file}-{number}" for number in range(EACH)]
        ids |= set(names)
        lines = "".join(json.dumps({"eventType": "Send", "mail": {"messageId": name}}) for name in names).encode()
        bucket.put(f"ses/{file:03}", gzip.compress(lines) if file % 2 else lines)
    return ids


def in_topic(broker: str) -> list[str]:
    """Return the message ids of all feedback."""
    codec, found, ended = load_codec(), [], 0
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "t", "enable.partition.eof": True})
    consumer.assign([TopicPartition("ses.feedback", number, 0) for number in range(4)])
    while ended < 4:
        for message in consumer.consume(500, timeout=0.2):
            if message.error() is not None:
                ended += 1
            else:
                found.append(codec.decode("mail.Feedback", message.value() or b"")["message_id"])
    consumer.close()
    return found


def until(holds: Callable[[], bool], running: subprocess.Popen[bytes]) -> None:
    """Wait until something holds, as long as the command runs."""
    while not holds():
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)


def test_a_run_that_is_killed_goes_on_at_the_next_object_and_every_event_is_in_the_topic(
    bucket: Bucket, broker: str, tmp_path: Path
) -> None:
    wanted, notes = fill(bucket, "killed"), tmp_path / "notes"
    words = ("--brokers", broker, "--resume", str(notes), "--json", bucket.url("ses/"))
    asked, environment = command(bucket, *words, "--rate", "60")  # 600 events: 10 s, if nobody kills it
    with subprocess.Popen(asked, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        until(notes.exists, running)
        noted = len(notes.read_text().splitlines()) - 1
        running.kill()
    assert 0 < noted < FILES
    landed = set(in_topic(broker)) & wanted
    assert noted * EACH <= len(landed) < len(wanted)

    again = ingest(bucket, *words)
    assert again.returncode == 0, again.stderr
    said = summary(again)
    assert said["known"] >= noted
    assert said["known"] + said["files"] == FILES
    assert said["feedback"] == {"SEND": said["files"] * EACH}
    assert wanted <= set(in_topic(broker))

    before = len(in_topic(broker))
    third = summary(ingest(bucket, *words))
    assert (third["known"], third["files"], third["feedback"]) == (FILES, 0, {})
    assert len(in_topic(broker)) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["notes"]


def test_what_has_changed_since_is_read_again(bucket: Bucket, broker: str, tmp_path: Path) -> None:
    fill(bucket, "changed")
    words = ("--brokers", broker, "--resume", str(tmp_path / "notes"), "--json", bucket.url("ses/"))
    assert ingest(bucket, *words).returncode == 0
    bucket.put("ses/007", b'{"eventType": "Send", "mail": {"messageId": "changed-and-new"}}')
    said = summary(ingest(bucket, *words))
    assert (said["known"], said["files"], said["feedback"]) == (FILES - 1, 1, {"SEND": 1})
    assert "changed-and-new" in in_topic(broker)


def test_what_could_not_be_read_is_named_the_rest_is_in_and_the_next_run_tries_again(
    bucket: Bucket, broker: str, tmp_path: Path
) -> None:
    bucket.put("a", b"PAR1")
    bucket.put("ann@example.com/b", b"PAR1")
    bucket.put("z", b'{"eventType": "Send", "mail": {"messageId": "behind"}}')
    words = ("--brokers", broker, "--resume", str(tmp_path / "notes"), "--json", bucket.url())
    for known, files in ((0, 3), (1, 2)):
        done = ingest(bucket, *words)
        assert done.returncode == 3
        said = summary(done)
        assert (said["unread"], said["known"], said["files"]) == (2, known, files)
        assert f"not read: {bucket.url('a')}: it is Parquet".encode() in done.stderr
        assert b"ann@" not in done.stderr
    assert in_topic(broker).count("behind") == 1


def test_a_dry_run_shows_what_lies_in_s3_and_a_bar_knows_how_much_that_is(bucket: Bucket) -> None:
    fill(bucket, "dry")
    done = ingest(bucket, "--dry-run", "--json", "--progress", bucket.url("ses/"))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == FILES * EACH
    assert b"100%" in done.stderr


def test_a_dry_run_notes_nothing(tmp_path: Path) -> None:
    done = ingest(None, "--dry-run", "--resume", str(tmp_path / "notes"), str(tmp_path))
    assert done.returncode == 2
    assert b"dry run" in done.stderr


def test_a_name_that_is_no_bucket_is_the_callers_fault() -> None:
    done = ingest(None, "--dry-run", "s3://No_Bucket/x")
    assert done.returncode == 2
    assert b"names no bucket" in done.stderr


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    notes = tmp_path / "events.json"
    for text in (b'{"eventType": "Send"}', b"\xff\xfe", b""):
        notes.write_bytes(text)
        with pytest.raises(BadSettings, match=r"events\.json"):
            Progress(notes, lambda: None)
        assert notes.read_bytes() == text


def test_nothing_is_noted_before_the_brokers_have_acknowledged(tmp_path: Path) -> None:
    notes, source = tmp_path / "notes", Source("s3://b/k", lambda: pytest.fail("opened"), 1, "k\0001\0e")

    def fails() -> None:
        raise WorldFailed("no broker")

    progress = Progress(notes, fails)
    progress.finished(source)
    with pytest.raises(WorldFailed):
        progress.note()
    assert not notes.exists()
    assert not Progress(notes, lambda: None).knows(source)


def test_what_is_noted_is_known_to_the_next_run_and_names_nobody(tmp_path: Path) -> None:
    file, notes = tmp_path / "ann@example.com.json", tmp_path / "notes"
    file.write_text("{}")
    progress = Progress(notes, lambda: None)
    progress.finished(file_source(file))
    progress.note()
    assert Progress(notes, lambda: None).knows(file_source(file))
    assert "ann" not in notes.read_text()
    os.utime(file, ns=(1, 1))
    assert not Progress(notes, lambda: None).knows(file_source(file))


def test_standard_input_is_never_known(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "notes", lambda: None)
    stdin = Source("-", lambda: pytest.fail("opened"))
    progress.finished(stdin)
    progress.note()
    assert not progress.knows(stdin)


def test_a_disk_that_cannot_be_written_stops_it_and_leaves_the_old_notes(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "gone" / "notes", lambda: None)
    with pytest.raises(WorldFailed, match="notes"):
        progress.note()


def test_a_pace_lets_so_many_through_a_second_and_makes_up_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    pace = Pace(10)
    for _ in range(20):
        pace.keep()
    assert now[0] == pytest.approx(102.0)
    now[0] += 60
    pace.keep()
    assert slept[-1] == pytest.approx(0.1)
    Pace(None).keep()
    assert len(slept) == 21

"""Files, directories and records: everything is read, in order, and each thing says where it stood."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from streams.errors import WorldFailed
from streams.intake.files import MAX_RECORD_BYTES, Item, read_files
from streams.intake.parts import MAX_EVENT_BYTES
from streams.intake.post import Named, address, named
from streams.intake.sources import Reading
from streams.mail.deadletter import DeadReason
from streams.schemas.codec import load_codec
from streams.schemas.plain import from_plain, to_plain
from tests.intake.corpus import case


def event(number: int, **mail: Any) -> dict[str, Any]:
    """Return a small event."""
    return {"eventType": "Send", "mail": {"messageId": f"id-{number}", "destination": ["ada@example.org"], **mail}}


def read(path: Path, *lines: object, **how: Any) -> list[Item]:
    """Write *lines* as NDJSON and read them."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(read_files([path], **how))


def ids(items: list[Item]) -> list[str | None]:
    """Return the message ids, None for a dead letter."""
    return [None if item.feedback is None else item.feedback.message_id for item in items]


def test_a_directory_is_walked_in_order_without_what_is_hidden_or_no_event_file(tmp_path: Path) -> None:
    for number, name in enumerate(
        ["b/2.ndjson", "a/1.json", "c.gz", "part-0001", ".hidden", ".git/x.json", "README.md"]
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        text = json.dumps(event(number)).encode()
        file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    reading = Reading()
    items = list(read_files([tmp_path], reading=reading))
    assert [item.source.removeprefix(f"{tmp_path}/") for item in items] == [
        "a/1.json:1",
        "b/2.ndjson:1",
        "c.gz:1",
        "part-0001:1",
    ]
    assert reading.passed_over == [str(tmp_path / "README.md")]
    assert (reading.files, reading.done_bytes) == (4, reading.total_bytes)


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    assert ids(read(tmp_path / "notes.md", event(1))) == ["id-1"]


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(WorldFailed, match="nowhere"):
        list(read_files([tmp_path / "nowhere"]))


def test_an_event_that_is_too_large_is_set_aside_by_its_beginning_and_the_rest_goes_on(tmp_path: Path) -> None:
    large = event(2, source="x" * MAX_EVENT_BYTES)
    first, second, third = read(tmp_path / "f.json", event(1), large, event(3))
    assert ids([first, second, third]) == ["id-1", None, "id-3"]
    assert second.dead is not None
    assert second.dead.reason is DeadReason.TOO_LARGE
    assert second.dead.value == json.dumps(large).encode()[:MAX_EVENT_BYTES]
    assert second.dead.offset == 2


def test_a_batch_may_be_larger_than_an_event(tmp_path: Path) -> None:
    batch = {"Records": [{"body": json.dumps(event(number, source="x" * 50_000))} for number in range(20)]}
    assert len(json.dumps(batch)) > MAX_EVENT_BYTES
    assert ids(read(tmp_path / "f.json", batch)) == [f"id-{number}" for number in range(20)]


def test_the_largest_event_there_may_be_still_fits_into_a_record(tmp_path: Path) -> None:
    headers = [{"name": f"X-{number}", "value": 'quote " me' * 100} for number in range(330)]
    (item,) = read(tmp_path / "f.json", event(1, headers=headers))
    assert item.feedback is not None
    assert len(item.feedback.raw) > MAX_EVENT_BYTES * 9 // 10
    assert len(address(named(item), load_codec()).value) < 1_000_000


def test_what_is_set_aside_keeps_its_envelope_where_it_is_alone_in_it(tmp_path: Path) -> None:
    envelope = {"Type": "Notification", "Message": json.dumps({"eventType": "Send", "mail": {}})}
    (alone,) = read(tmp_path / "f.json", envelope)
    assert alone.dead is not None
    assert alone.dead.value == json.dumps(envelope).encode()


def test_what_is_set_aside_from_a_batch_leaves_its_neighbours_out(tmp_path: Path) -> None:
    bad = json.dumps({"eventType": "Send", "mail": {}})
    good, dead = read(tmp_path / "f.json", {"Records": [{"body": json.dumps(event(1))}, {"body": bad}]})
    assert ids([good]) == ["id-1"]
    assert dead.dead is not None
    assert dead.dead.value == bad.encode()


def test_the_time_of_a_dead_letter_is_the_callers(tmp_path: Path) -> None:
    (item,) = read(tmp_path / "f.json", {"no": "event"}, at=123)
    assert item.dead is not None
    assert item.dead.at == 123


def test_what_was_printed_can_be_read_again(tmp_path: Path) -> None:
    (first,) = read_files([case("bounce-mixed-actions").path])
    found = named(first)
    (again,) = read(tmp_path / "f.json", {found.name: to_plain(found.name, found.record), "from": first.source})
    assert again.record is not None
    assert to_plain(*again.record) == to_plain(*found)


def test_records_of_every_kind_are_known_for_what_they_are(tmp_path: Path) -> None:
    send = {"message_id": "m-1", "sent_at": "2026-02-03T09:15:00Z", "recipients": ["ada@example.org"]}
    (item,) = read(tmp_path / "f.json", {"mail.Send": send})
    assert item.record == ("mail.Send", from_plain("mail.Send", send))


def test_a_record_that_does_not_fit_its_schema_is_set_aside_without_its_values_in_the_words(tmp_path: Path) -> None:
    (item,) = read(tmp_path / "f.json", {"mail.Send": {"message_id": ["ada@example.org"]}})
    assert item.dead is not None
    assert item.dead.reason is DeadReason.WRONG_TYPE
    assert "ada" not in item.dead.detail


def test_a_record_that_is_too_large_is_set_aside(tmp_path: Path) -> None:
    (item,) = read(tmp_path / "f.json", {"mail.Send": {"message_id": "x" * MAX_RECORD_BYTES}})
    assert item.dead is not None
    assert item.dead.reason is DeadReason.TOO_LARGE


def test_a_record_that_does_not_count_here_is_no_event(tmp_path: Path) -> None:
    (item,) = read(tmp_path / "f.json", {"mail.Outcome": {}}, records=["mail.Send"])
    assert item.dead is not None
    assert item.dead.reason is DeadReason.NOT_AN_EVENT


def test_a_record_goes_to_its_topic_by_its_message_id_in_normal_form() -> None:
    codec = load_codec()
    send = from_plain("mail.Send", {"message_id": "<m-1@email.amazonses.com>", "sent_at": 0, "recipients": []})
    assert address(Named("mail.Send", send), codec)[:2] == ("sends", b"m-1")
    (dead,) = read_files([case("no-event").path])
    assert address(named(dead), codec)[:2] == ("dead-letters", None)
    (bounce,) = read_files([case("bounce-wire-message-id").path])
    assert bounce.feedback is not None
    assert address(named(bounce), codec)[:2] == ("feedback", bounce.feedback.message_id.encode())

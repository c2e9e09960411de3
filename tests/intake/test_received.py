"""Received mail: only an auto-reply to a mail of ours is feedback, and nobody's words are kept."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.emit.records import feedback_record
from streams.errors import Unusable
from streams.intake.envelope import Letter, open_envelopes
from streams.intake.files import Item, read_files
from streams.intake.letters import read_letter
from streams.intake.parts import MAX_EVENT_BYTES
from streams.intake.received import is_received, read_mail, read_received
from streams.intake.sources import Reading
from streams.mail.deadletter import DeadReason
from streams.mail.feedback import Feedback, FeedbackKind
from streams.schemas.codec import load_codec
from tests.intake.corpus import RECEIVED, cases
from tests.intake.mangled import changed, ways

CODEC = load_codec()
OURS = "0102019b00000401-5e5e0401-4c1d-4b7a-9f00-000000000401-000000"
AT = "2026-02-03T09:15:02.345Z"
AT_MS = 1_770_110_102_345
EVENTS: list[dict[str, Any]] = [
    part.event
    for one in cases(RECEIVED)
    if one.path.suffix in (".json", ".ndjson")
    for part in open_envelopes(one.path.read_bytes())
    if isinstance(part, Letter)
]
MAILS = [one.path.read_bytes() for one in cases(RECEIVED) if one.path.suffix in (".eml", "")]
ODD: tuple[Any, ...] = (None, True, -1, 2**70, 1.5, "", "  ", "x", "@", "<>", "\x00", [], [None], {}, {"x": 1}, ["Ü"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def notification(*headers: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """Return a Received notification of an auto-reply; *fields* are mail's own."""
    every = [("From", "ann@example.org"), ("Auto-Submitted", "auto-replied"), ("In-Reply-To", f"<{OURS}>"), *headers]
    listed = [{"name": name, "value": value} for name, value in every]
    mail = {"timestamp": AT, "messageId": "d6i", "destination": ["shop@example.com"], "headers": listed, **fields}
    return {"notificationType": "Received", "mail": mail, "receipt": {"timestamp": AT}, "content": "Back on Monday."}


def read(event: dict[str, Any], posted_at: int | None = None) -> Feedback:
    """Read a notification that is an auto-reply."""
    found = read_received(event, posted_at)
    assert found is not None
    return found


def files(path: Path, data: bytes, **how: Any) -> list[Item]:
    """Write *data* to a file and read it."""
    path.write_bytes(data)
    return list(read_files([path], **how))


def _tried(event: dict[str, Any]) -> None:
    """Read a notification: a feedback that can be written, nothing, or Unusable for a reason of time."""
    try:
        found = read_received(event)
    except Unusable as why:
        refused = why
    else:
        if found is not None:
            assert found.kind is FeedbackKind.AUTO_REPLY
            CODEC.encode("mail.Feedback", feedback_record(found))
        return
    assert DeadReason(refused.reason) is DeadReason.BAD_TIME
    assert "@" not in refused.detail


def test_an_auto_reply_says_who_answered_which_mail_when_and_how_we_know() -> None:
    found = read(notification())
    assert (found.kind, found.message_id, found.reason) == (FeedbackKind.AUTO_REPLY, OURS, "auto-submitted")
    assert (found.occurred_at, found.source) == (AT_MS, "shop@example.com")
    assert [recipient.address for recipient in found.recipients] == ["ann@example.org"]


def test_our_own_address_is_nobody_to_whom_the_mail_was_sent() -> None:
    found = read(notification(destination=["shop@example.com", "help@example.com"]))
    assert (found.destination, found.sent_at, found.tags) == ((), None, {})


def test_what_people_write_is_not_kept() -> None:
    found = read(notification(("Subject", "In hospital"), ("X-Note", "In hospital")))
    assert "Back on Monday" not in found.raw
    assert "content" not in json.loads(found.raw)
    assert json.loads(found.raw)["mail"]["timestamp"] == AT
    assert set(found.headers) == {"from", "auto-submitted", "in-reply-to"}
    mail = b"Auto-Submitted: auto-replied\nIn-Reply-To: <%b>\nSubject: In hospital\n\nIn hospital" % OURS.encode()
    raw = read_mail(mail)
    assert raw is not None
    assert "hospital" not in raw.raw
    assert json.loads(raw.raw) == {"headers": raw.headers}


def test_of_a_mail_with_headers_without_end_only_so_much_is_kept() -> None:
    many = b"References: %b <%b>\n" % (b"<x@example.org> " * 12_000, OURS.encode())
    found = read_mail(b"Auto-Submitted: auto-replied\n" + b"Precedence: bulk\n" * 100 + many)
    assert found is not None
    assert OURS in found.headers["references"][0]
    assert len(CODEC.encode("mail.Feedback", feedback_record(found))) < 10_000


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "2026-02-03T10:00:00.000Z"},
        {"source": "x@example.org"},
        {"destination": ["else@example.com"]},
        {"messageId": "other"},
    ],
)
def test_how_and_when_a_reply_came_takes_no_part_in_its_id(change: dict[str, Any]) -> None:
    own = ("Message-ID", "<r1@example.org>")
    assert read(notification(own, **change)).feedback_id == read(notification(own)).feedback_id


def test_two_replies_have_two_ids() -> None:
    replies = [
        notification(("Message-ID", "<r1@example.org>")),
        notification(("Message-ID", "<r2@example.org>")),
        notification(),
        notification(("Date", "Tue, 3 Feb 2026 09:15:02 +0000")),
        notification(("Date", "Tue, 3 Feb 2026 09:15:03 +0000")),
    ]
    assert len({read(reply).feedback_id for reply in replies}) == len(replies)


def test_the_time_is_ses_word_then_the_envelopes_then_the_mails_own_and_never_the_clock() -> None:
    date = ("Date", "Tue, 3 Feb 2026 09:15:00 +0000")
    event = notification(date)
    assert read(event, 7).occurred_at == AT_MS
    del event["mail"]["timestamp"]
    assert read(event, 7).occurred_at == AT_MS  # the receipt's
    del event["receipt"]
    assert read(event, 7).occurred_at == 7
    assert read(event).occurred_at == 1_770_110_100_000
    event["mail"]["headers"].pop()
    assert read(event).occurred_at == 0


def test_a_time_that_cannot_be_read_is_no_reason_to_set_a_persons_mail_aside() -> None:
    with pytest.raises(Unusable):
        read_received(notification(timestamp="soon"))
    person = notification(timestamp="soon")
    person["mail"]["headers"][1]["value"] = "no"
    assert read_received(person) is None


@pytest.mark.parametrize(
    ("event", "received"),
    [
        ({"notificationType": "Received"}, True),
        ({"eventType": " RECEIVED "}, True),
        ({"mail": {}, "receipt": {}}, True),
        ({"mail": {}}, False),
        ({"notificationType": "Bounce", "receipt": {}}, False),
        ({"eventType": "Delivery"}, False),
    ],
)
def test_received_mail_is_told_from_an_event_about_our_own(event: dict[str, Any], *, received: bool) -> None:
    assert is_received(event) is received


def test_a_letter_is_read_by_what_it_is() -> None:
    event = {"eventType": "Delivery", "mail": {"messageId": OURS, "timestamp": AT}}
    sent = read_letter(Letter(event, "{}"))
    assert sent is not None
    assert sent.kind is FeedbackKind.DELIVERY
    assert read_letter(Letter(notification(), "{}")) == read(notification())


@pytest.mark.parametrize("event", EVENTS, ids=range(len(EVENTS)))
def test_any_field_of_a_notification_may_be_missing_or_odd(event: dict[str, Any]) -> None:
    for path in ways(event):
        for gone, value in [(True, None), *((False, odd) for odd in ODD)]:
            _tried(changed(event, path, value, gone=gone))


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_notification_with_anything_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    for _ in range(data.draw(st.integers(1, 4))):
        paths = list(ways(event))
        if not paths:
            break
        event = changed(event, data.draw(st.sampled_from(paths)), data.draw(JSON), gone=data.draw(st.booleans()))
    _tried(event)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_mail_cut_and_spliced_anywhere_is_read(data: st.DataObject) -> None:
    one, other = data.draw(st.sampled_from(MAILS)), data.draw(st.sampled_from(MAILS))
    cut, on = data.draw(st.integers(0, len(one))), data.draw(st.integers(0, len(other)))
    mail = one[:cut] + data.draw(st.binary(max_size=12)) + other[on:]
    found = read_mail(mail, AT_MS)
    if found is not None:
        CODEC.encode("mail.Feedback", feedback_record(found))


def test_a_mail_without_a_time_came_when_it_is_read(tmp_path: Path) -> None:
    mail = f"Auto-Submitted: auto-replied\nIn-Reply-To: {OURS}\n\n".encode()
    (item,) = files(tmp_path / "a.eml", mail, at=AT_MS)
    assert item.feedback is not None
    assert item.feedback.occurred_at == AT_MS
    assert item.source == f"{tmp_path / 'a.eml'}:1"


@pytest.mark.parametrize("name", ["A.EML", "a.eml.gz", "0c5f1e0qq7r8s9"])
def test_a_raw_mail_is_known_by_its_name_or_its_first_line(tmp_path: Path, name: str) -> None:
    first = "" if "." in name else "Return-Path: <>\r\n"
    mail = f"{first}Auto-Submitted: auto-replied\r\nIn-Reply-To: {OURS}\r\n\r\n".encode()
    (item,) = files(tmp_path / name, gzip.compress(mail) if name.endswith(".gz") else mail)
    assert item.feedback is not None


def test_a_large_mail_is_read_by_its_head_and_to_its_end(tmp_path: Path) -> None:
    mail = f"Auto-Submitted: auto-replied\nIn-Reply-To: {OURS}\n\n".encode() + b"x" * 3_000_000
    reading = Reading()
    (item,) = files(tmp_path / "a.eml", mail, reading=reading)
    assert item.feedback is not None
    assert reading.done_bytes == reading.total_bytes


def test_a_large_notification_is_measured_without_its_body_and_a_persons_is_no_dead_letter(tmp_path: Path) -> None:
    large = notification() | {"content": "x" * MAX_EVENT_BYTES}
    person = copy.deepcopy(large)
    person["mail"]["headers"][1]["value"] = "no"
    endless = notification(("X-Long", "x" * MAX_EVENT_BYTES), ("X-Who", "ann@example.org"))
    lines = b"\n".join(json.dumps(one).encode() for one in (large, person, endless))
    reading = Reading()
    first, last = files(tmp_path / "f.ndjson", lines, reading=reading)
    assert first.feedback is not None
    assert last.dead is not None
    assert last.dead.reason is DeadReason.TOO_LARGE
    assert b"Back on Monday" not in (last.dead.value or b"")
    assert reading.no_events == 1


def test_a_packed_mail_that_breaks_off_is_set_aside_unless_its_head_is_there(tmp_path: Path) -> None:
    mail = f"Auto-Submitted: auto-replied\nIn-Reply-To: {OURS}\n\n".encode()
    reading = Reading()
    (item,) = files(tmp_path / "a.eml.gz", gzip.compress(mail)[:20], reading=reading)
    assert reading.no_events == 0
    assert item.dead is not None
    assert item.dead.reason is DeadReason.NOT_JSON


def test_several_mails_of_one_item_are_told_apart(tmp_path: Path) -> None:
    person = notification()
    person["mail"]["headers"][1]["value"] = "no"
    batch = {"Records": [{"body": json.dumps(one)} for one in (notification(), person, notification())]}
    reading = Reading()
    items = files(tmp_path / "f.json", json.dumps(batch).encode(), reading=reading)
    assert [item.feedback is not None for item in items] == [True, True]
    assert reading.no_events == 1

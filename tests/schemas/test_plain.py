"""JSON for people: what goes in comes out, faults are told by their path, and no value is ever quoted."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import Unusable
from streams.schemas.avsc import load_head
from streams.schemas.codec import load_codec
from streams.schemas.plain import from_plain, iso_time, to_plain
from tests.schemas.examples import example, plain_example
from tests.schemas.strategies import records

HEADS = load_head()
A_RECORD = st.sampled_from(sorted(HEADS)).flatmap(lambda name: st.tuples(st.just(name), records(HEADS[name])))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
unhurried = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
REQUEST = plain_example("mail.SendRequest.simple")


@unhurried
@given(A_RECORD)
def test_a_record_shown_as_json_and_taken_back_is_the_same(named: tuple[str, Any]) -> None:
    name, record = named
    shown = json.loads(json.dumps(to_plain(name, record)))
    assert from_plain(name, shown) == record


@unhurried
@given(st.sampled_from(sorted(HEADS)), st.data())
def test_no_json_at_all_raises_anything_but_unusable(name: str, data: st.DataObject) -> None:
    fields = [field["name"] for field in HEADS[name]["fields"]]
    obj = data.draw(ANYTHING | st.fixed_dictionaries({}, optional=dict.fromkeys(fields, ANYTHING)))
    try:
        record = from_plain(name, obj)
    except Unusable as fault:
        reason = fault.reason
    else:
        reason = "WRONG_TYPE" if load_codec().decode(name, load_codec().encode(name, record)) == record else "LOST"
    assert reason == "WRONG_TYPE"


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("2026-01-02T03:04:05.678Z", 1767323045678),
        ("2026-01-02T04:04:05.678+01:00", 1767323045678),
        ("2026-01-02T03:04:05", 1767323045000),
        ("1969-12-31T23:59:59.999Z", -1),
        (1767323045678, 1767323045678),
    ],
)
def test_a_time_may_be_iso_8601_or_milliseconds(written: str | int, ms: int) -> None:
    assert from_plain("mail.Send", {"sent_at": written, "message_id": "m-1"})["sent_at"] == ms


def test_a_time_without_an_offset_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert from_plain("mail.Send", {"sent_at": "1970-01-01T00:00:01", "message_id": "m-1"})["sent_at"] == 1000
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("ms", [0, -1, 1767323045678, -62135596800000, 253402300799999])
def test_a_time_is_shown_with_milliseconds_and_z(ms: int) -> None:
    shown = iso_time(ms)
    assert isinstance(shown, str)
    assert len(shown) == len("2026-01-02T03:04:05.678Z")
    assert shown.endswith("Z")


def test_a_time_beyond_the_calendar_is_shown_as_its_number() -> None:
    assert (iso_time(253402300800000), iso_time(-(1 << 63))) == (253402300800000, -(1 << 63))


def test_defaults_are_filled_in_and_unknown_fields_are_left_out() -> None:
    sent = from_plain("mail.Send", {"sent_at": 1, "message_id": "m-1", "from_the_future": True})
    assert "from_the_future" not in sent
    assert (sent["via"], sent["attempt"], sent["tags"], sent["recipients"]) == ("UPSTREAM", 1, {}, [])


def test_two_records_do_not_share_a_default() -> None:
    one, other = (from_plain("mail.Send", {"sent_at": 1, "message_id": "m-1"}) for _ in range(2))
    one["recipients"].append("alice@example.com")
    assert other["recipients"] == []


@pytest.mark.parametrize("name", ["Simple", "mail.Simple"])
def test_content_may_be_named_short_or_in_full(name: str) -> None:
    taken = from_plain("mail.SendRequest", {**REQUEST, "content": {name: {"subject": "Hello"}}})
    assert taken["content"] == ("mail.Simple", {"subject": "Hello", "text": None, "html": None})


def test_content_may_go_unnamed_where_only_one_kind_fits() -> None:
    taken = from_plain("mail.SendRequest", {**REQUEST, "content": {"name": "welcome"}})
    assert taken["content"] == ("mail.Template", {"name": "welcome", "data": "{}"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": ["a@example.com", 3]}, "to[1] wants text"),
        ({"tags": {"a@example.com": 3}}, "tags{} wants text"),
        ({"content": {"Raw": {"mime": "%%"}}}, "content.Raw.mime wants base64"),
        ({"content": {"subject": "s", "name": "n"}}, "content wants one of Simple, Template, Raw"),
        ({"requested_at": "yesterday"}, "requested_at wants a time in ISO 8601"),
        ({"not_before": True}, "not_before wants a time in ISO 8601, or milliseconds since the epoch, or null"),
        ({"attempt": 1 << 31}, "attempt wants a whole number of 32 bits"),
        ({"stream": None}, "stream wants text"),
        ({"stream": "\ud800"}, "stream wants text that UTF-8 can carry"),
    ],
)
def test_a_fault_is_told_by_its_path_and_never_by_its_value(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Unusable) as fault:
        from_plain("mail.SendRequest", {**REQUEST, **change})
    assert (fault.value.reason, fault.value.detail) == ("WRONG_TYPE", f"mail.SendRequest: {words}")


def test_a_missing_field_without_a_default_is_told() -> None:
    with pytest.raises(Unusable, match="request_id wants a value: it has no default"):
        from_plain("mail.SendRequest", {})


def test_an_unknown_symbol_in_json_is_a_fault_since_people_mistype() -> None:
    with pytest.raises(Unusable, match="reason wants one of the schema's symbols"):
        from_plain("mail.Suppression", {"recipient": "a@example.com", "reason": "HARDBOUNCE", "since": 1})


def test_bytes_are_base64() -> None:
    assert to_plain("mail.DeadLetter", example("mail.DeadLetter.file"))["value"] == "e2Jyb2tlbg=="

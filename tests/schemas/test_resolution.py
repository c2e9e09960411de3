"""Values by other versions of a schema come out as ours, or say that they cannot."""

from __future__ import annotations

import copy
import tracemalloc
from io import BytesIO
from typing import Any

import fastavro
import pytest

from streams.errors import SchemaUnknown, Unusable
from streams.schemas.avsc import bare, load_head
from streams.schemas.codec import Codec, load_codec
from tests.schemas.examples import example

HEADS = load_head()
OTHER_ID = 77


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(field for field in schema["fields"] if field["name"] == name)
    return found


def codec_that_knows(other: Any, name: str) -> Codec:
    return Codec({name: HEADS[name]}, {1: HEADS[name], OTHER_ID: other}, None)


def written_as(other: Any, record: Any) -> bytes:
    body = BytesIO()
    body.write(b"\0" + OTHER_ID.to_bytes(4, "big"))
    fastavro.schemaless_writer(body, fastavro.parse_schema(bare(other)), record)
    return body.getvalue()


def test_a_symbol_of_tomorrow_is_read_as_the_default_symbol() -> None:
    other = copy.deepcopy(HEADS["mail.Feedback"])
    field(other, "kind")["type"]["symbols"].append("FORWARDED")
    value = written_as(other, {**example("mail.Feedback.delivery"), "kind": "FORWARDED"})
    assert codec_that_knows(other, "mail.Feedback").decode("mail.Feedback", value)["kind"] == "UNKNOWN"


def test_a_field_of_tomorrow_is_left_out_and_one_of_today_takes_its_default() -> None:
    other = copy.deepcopy(HEADS["mail.Send"])
    other["fields"] = [*other["fields"][:-1], {"name": "note", "type": "string", "default": "", "doc": "New."}]
    value = written_as(other, {**example("mail.Send.api"), "note": "hello"})
    read = codec_that_knows(other, "mail.Send").decode("mail.Send", value)
    assert read == {**example("mail.Send.api"), "tags": {}}


def test_content_of_another_version_comes_out_with_its_name() -> None:
    other = copy.deepcopy(HEADS["mail.SendRequest"])
    other["fields"].append({"name": "priority", "type": "int", "default": 0, "doc": "New."})
    for kind in ("simple", "template", "raw"):
        record = example(f"mail.SendRequest.{kind}")
        read = codec_that_knows(other, "mail.SendRequest").decode("mail.SendRequest", written_as(other, record))
        assert read == record


def test_a_prefix_reader_gives_the_whole_record_of_another_version() -> None:
    other = copy.deepcopy(HEADS["mail.Send"])
    other["fields"].reverse()
    value = written_as(other, example("mail.Send.api"))
    codec = codec_that_knows(other, "mail.Send")
    assert codec.prefix_reader("mail.Send", "message_id")(value) == example("mail.Send.api")
    assert not codec.is_ours("mail.Send", value)


def test_the_same_schema_under_another_id_is_ours() -> None:
    codec = codec_that_knows({**HEADS["mail.Send"], "doc": "In other words."}, "mail.Send")
    value = written_as(HEADS["mail.Send"], example("mail.Send.api"))
    assert codec.is_ours("mail.Send", value)
    assert codec.decode("mail.Send", value) == example("mail.Send.api")


def test_a_record_of_another_kind_has_the_wrong_type() -> None:
    value = load_codec().encode("mail.Retry", example("mail.Retry.mailbox-full"))
    with pytest.raises(Unusable) as fault:
        load_codec().decode("mail.Send", value)
    assert fault.value.reason == "WRONG_TYPE"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "BAD_MAGIC"),
        (b"\0", "BAD_MAGIC"),
        (b"\0SES", "BAD_MAGIC"),
        (b"\1SES\2", "BAD_MAGIC"),
        (b'{"message_id": "m-1"}', "BAD_MAGIC"),
        (b"\0\0\0\0\x63", "UNKNOWN_SCHEMA"),
        (b"\0\xff\xff\xff\xff", "UNKNOWN_SCHEMA"),
        (b"\0SES\2", "NOT_AVRO"),
        (b"\0SES\2" + b"\xff" * 40, "NOT_AVRO"),
        (b"\0SES\2" + b"\xff" * 1_000_000, "NOT_AVRO"),
    ],
)
def test_each_fault_of_a_value_has_its_own_word(value: bytes, reason: str) -> None:
    codec = load_codec()
    for read in (lambda v: codec.decode("mail.Send", v), codec.prefix_reader("mail.Send", "sent_at")):
        with pytest.raises(Unusable) as fault:
            read(value)
        assert fault.value.reason == reason


@pytest.mark.parametrize("count", [b"\x80\x80\x80\x80\x80\x80\x80\x80\x40", b"\x7f\x02", b"\xff" * 9 + b"\x01"])
def test_a_huge_count_or_length_costs_no_memory(count: bytes) -> None:
    codec = load_codec()
    begin = codec.prefix_writer("mail.Send", "request_id")(example("mail.Send.api"))
    tracemalloc.start()
    for damaged in (begin + count, begin[:-15] + count):
        with pytest.raises(Unusable) as fault:
            codec.decode("mail.Send", damaged)
        assert fault.value.reason == "NOT_AVRO"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("count", [b"\x80\x80\x80\x80\x80\x80\x80\x80\x40", b"\xff" * 9 + b"\x01"])
def test_a_huge_count_costs_no_memory_in_another_version_either(count: bytes) -> None:
    other = {**HEADS["mail.Send"], "fields": HEADS["mail.Send"]["fields"][5:6] + HEADS["mail.Send"]["fields"][:2]}
    codec = codec_that_knows(other, "mail.Send")
    tracemalloc.start()
    for body in (count, count + b"\x02a" * 9, b"\x02" + count + b"abc"):
        with pytest.raises(Unusable) as fault:
            codec.decode("mail.Send", b"\0" + OTHER_ID.to_bytes(4, "big") + body)
        assert fault.value.reason == "NOT_AVRO"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_lock_that_lacks_today_s_schema_stops_the_start() -> None:
    with pytest.raises(SchemaUnknown, match=r"lock\.json has no id for today's mail\.Send"):
        Codec({"mail.Send": HEADS["mail.Send"]}, {1: HEADS["mail.Retry"]}, None)


def test_fields_with_a_default_may_be_missing_and_others_may_not() -> None:
    codec = load_codec()
    value = codec.encode("mail.Send", {"sent_at": 1767323045678, "message_id": "m-1"})
    assert codec.decode("mail.Send", value)["via"] == "UPSTREAM"
    with pytest.raises(Unusable, match="message_id wants a value"):
        codec.encode("mail.Send", {"sent_at": 1767323045678})


def test_a_recipient_s_missing_fields_take_their_defaults() -> None:
    codec = load_codec()
    feedback = {**example("mail.Feedback.bounce"), "recipients": [{"address": "alice@example.com"}]}
    assert codec.decode("mail.Feedback", codec.encode("mail.Feedback", feedback))["recipients"][0]["status"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"via": "PIGEON"}, "via wants one of"),
        ({"sent_at": "2026-01-02T03:04:05Z"}, "sent_at wants a whole number"),
        ({"sent_at": 1 << 63}, "sent_at wants a whole number"),
        ({"recipients": "alice@example.com"}, "recipients wants a list"),
        ({"message_id": b"m-1"}, "message_id wants text"),
        ({"stream": "\ud800"}, "stream wants text that UTF-8 can carry"),
        ({"tags": {"a": ["b"]}}, r"tags\{\} wants text"),
        ({"attempt": 1 << 31}, "attempt wants a whole number of 32 bits"),
    ],
)
def test_a_record_of_the_wrong_shape_is_not_written(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Unusable, match=words) as fault:
        load_codec().encode("mail.Send", {**example("mail.Send.api"), **change})
    assert fault.value.reason == "WRONG_TYPE"
    assert "alice" not in fault.value.detail


def test_bytes_behind_a_record_of_another_version_are_not_avro() -> None:
    other = {**HEADS["mail.Send"], "fields": HEADS["mail.Send"]["fields"][::-1]}
    value = written_as(other, example("mail.Send.api"))
    with pytest.raises(Unusable, match="bytes behind the record"):
        codec_that_knows(other, "mail.Send").decode("mail.Send", value + b"\0")


def test_two_records_of_another_version_do_not_share_a_default() -> None:
    other = {**HEADS["mail.Send"], "fields": HEADS["mail.Send"]["fields"][:3]}
    codec, value = codec_that_knows(other, "mail.Send"), written_as(other, example("mail.Send.api"))
    one, second = (codec.decode("mail.Send", value) for _ in range(2))
    one["recipients"].append("alice@example.com")
    assert second["recipients"] == []


def send_with(via: bytes = b"\4", stream: bytes = b"\2s") -> bytes:
    """Return a mail.Send of which some bytes are chosen: sent_at 1, message_id m, no recipients, no tags."""
    return load_codec().header("mail.Send") + b"\2\2m" + stream + b"\2\0\0\0\0\0" + via + b"\0"


def test_the_chosen_bytes_are_a_send() -> None:
    sent = load_codec().decode("mail.Send", send_with())
    assert (sent["message_id"], sent["stream"], sent["via"]) == ("m", "s", "API")


@pytest.mark.parametrize(
    "value",
    [
        send_with(stream=b"\1"),  # a negative length
        send_with(stream=b"\x81\1" + b"s" * 64),  # the same in two bytes
        send_with(stream=b"\xff" * 9 + b"\x7f" + b"s"),  # more than 64 bits
        send_with(via=b"\x08"),  # no such symbol
        send_with(via=b"\1"),  # a negative one
    ],
)
def test_a_fault_behind_the_prefix_is_found_where_the_rest_is_stepped_over(value: bytes) -> None:
    codec = load_codec()
    for read in (codec.prefix_reader("mail.Send", "sent_at", rest=True), codec.prefix_reader("mail.Send", "tags")):
        with pytest.raises(Unusable) as fault:
            read(value)
        assert fault.value.reason == "NOT_AVRO"
    assert codec.prefix_reader("mail.Send", "sent_at")(value) == {"sent_at": 1}

"""The codec's laws: it says what fastavro says, a prefix is the beginning of the whole, and no bytes get past it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from streams.errors import Unusable
from streams.schemas.avsc import bare, load_head
from streams.schemas.codec import Codec, load_codec
from streams.schemas.reading import HEADER, Read
from tests.schemas.strategies import records

HEADS = load_head()
CODEC = load_codec()
NAMES = sorted(HEADS)
FASTAVRO = {name: fastavro.parse_schema(bare(schema)) for name, schema in HEADS.items()}
A_RECORD = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), records(HEADS[name])))
NAMES_OF_FAULTS = {"BAD_MAGIC", "UNKNOWN_SCHEMA", "NOT_AVRO", "WRONG_TYPE"}
# For each name a reader that knows, under the id 2, a version with its fields the other way round.
TURNED = {name: {**schema, "fields": schema["fields"][::-1]} for name, schema in HEADS.items()}
BESIDE = {
    name: Codec({name: HEADS[name]}, {1: HEADS[name], 2: TURNED[name]}, None).prefix_reader(
        name, HEADS[name]["fields"][0]["name"]
    )
    for name in NAMES
}
unhurried = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


def by_fastavro(name: str, value: bytes) -> Any:
    body = BytesIO(value[HEADER:])
    record = fastavro.schemaless_reader(
        body, FASTAVRO[name], None, return_record_name=True, return_record_name_override=True
    )
    assert not body.read()
    return record


def written_by_fastavro(name: str, record: Any) -> bytes:
    body = BytesIO()
    body.write(CODEC.header(name))
    fastavro.schemaless_writer(body, FASTAVRO[name], record)
    return body.getvalue()


@unhurried
@given(A_RECORD)
def test_what_we_write_fastavro_reads_as_the_same_record(named: tuple[str, Any]) -> None:
    name, record = named
    assert by_fastavro(name, CODEC.encode(name, record)) == record


@unhurried
@given(A_RECORD)
def test_what_fastavro_writes_we_read_as_the_same_record(named: tuple[str, Any]) -> None:
    name, record = named
    assert CODEC.decode(name, written_by_fastavro(name, record)) == record


@unhurried
@given(A_RECORD, st.data())
def test_a_prefix_reader_reads_the_beginning_of_what_decode_reads(named: tuple[str, Any], data: st.DataObject) -> None:
    name, record = named
    fields = [field["name"] for field in HEADS[name]["fields"]]
    last = data.draw(st.sampled_from(fields))
    beginning = {field: record[field] for field in fields[: fields.index(last) + 1]}
    for value in (CODEC.encode(name, record), written_by_fastavro(name, record)):
        assert CODEC.prefix_reader(name, last)(value) == beginning
        assert CODEC.prefix_reader(name, last, rest=True)(value) == beginning


@unhurried
@given(records(HEADS["mail.Outcome"]))
def test_an_outcome_may_be_put_together_from_the_bytes_of_its_parts(outcome: dict[str, Any]) -> None:
    write = CODEC.prefix_writer("mail.Outcome", "written")
    parts = [write(outcome)]
    for name in ("send", "feedback"):
        part = outcome[name]
        parts.append(b"\0" if part is None else b"\2" + CODEC.encode(f"mail.{name.title()}", part)[HEADER:])
    assert CODEC.decode("mail.Outcome", b"".join(parts)) == outcome
    assert b"".join(parts) == CODEC.encode("mail.Outcome", outcome)


@unhurried
@given(A_RECORD, st.integers(0, 400))
def test_a_value_that_is_cut_short_is_not_avro(named: tuple[str, Any], cut: int) -> None:
    name, record = named
    value = CODEC.encode(name, record)
    assume(cut < len(value) - HEADER)
    fields = [field["name"] for field in HEADS[name]["fields"]]
    for read in (
        lambda v: CODEC.decode(name, v),
        CODEC.prefix_reader(name, fields[0], rest=True),
        CODEC.prefix_reader(name, fields[-1]),
    ):
        with pytest.raises(Unusable) as fault:
            read(value[: HEADER + cut])
        assert fault.value.reason == "NOT_AVRO"


@unhurried
@given(A_RECORD, st.binary(min_size=1, max_size=20))
def test_bytes_behind_a_record_are_not_avro(named: tuple[str, Any], more: bytes) -> None:
    name, record = named
    value = CODEC.encode(name, record) + more
    for read in (CODEC.decode, lambda n, v: CODEC.prefix_reader(n, HEADS[n]["fields"][0]["name"], rest=True)(v)):
        with pytest.raises(Unusable) as fault:
            read(name, value)
        assert fault.value.reason == "NOT_AVRO"


def fault_of(read: Read, value: bytes) -> Unusable | None:
    """Return the fault that *read* finds in *value*; None where it reads it. Anything else would fail the test."""
    try:
        read(value)
    except Unusable as fault:
        return fault
    return None


def all_readers(name: str) -> list[Read]:
    first = HEADS[name]["fields"][0]["name"]
    readers = [CODEC.prefix_reader(name, first, rest=rest) for rest in (True, False)]
    return [*readers, lambda value: CODEC.decode(name, value)]


@unhurried
@given(st.sampled_from(NAMES), st.binary(max_size=60), st.booleans())
def test_no_bytes_at_all_raise_anything_but_unusable(name: str, garbage: bytes, ours: bool) -> None:
    value = (CODEC.header(name) if ours else b"") + garbage
    faults = [fault_of(read, value) for read in all_readers(name)]
    assert {fault.reason for fault in faults if fault} <= NAMES_OF_FAULTS
    assert not any("@" in fault.detail for fault in faults if fault)


@unhurried
@given(st.sampled_from(NAMES), st.binary(max_size=60))
def test_no_bytes_of_another_version_raise_anything_but_unusable(name: str, garbage: bytes) -> None:
    fault = fault_of(BESIDE[name], b"\0\0\0\0\2" + garbage)
    assert fault is None or fault.reason in {"NOT_AVRO", "WRONG_TYPE"}


@unhurried
@given(A_RECORD, st.data())
def test_a_damaged_value_is_unusable_or_another_record_but_never_a_crash(
    named: tuple[str, Any], data: st.DataObject
) -> None:
    name, record = named
    value = bytearray(CODEC.encode(name, record))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(value)
    fault = fault_of(all_readers(name)[-1], damaged)
    if fault is None:
        read = CODEC.decode(name, damaged)
        assert CODEC.decode(name, CODEC.encode(name, read)) == read
    else:
        assert fault.reason in NAMES_OF_FAULTS

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
from streams.schemas.codec import HEADER, load_codec
from tests.schemas.strategies import records

HEADS = load_head()
CODEC = load_codec()
NAMES = sorted(HEADS)
FASTAVRO = {name: fastavro.parse_schema(bare(schema)) for name, schema in HEADS.items()}
A_RECORD = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), records(HEADS[name])))
NAMES_OF_FAULTS = {"BAD_MAGIC", "UNKNOWN_SCHEMA", "NOT_AVRO", "WRONG_TYPE"}
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


@unhurried
@given(st.sampled_from(NAMES), st.binary(max_size=60), st.booleans())
def test_no_bytes_at_all_raise_anything_but_unusable(name: str, garbage: bytes, ours: bool) -> None:
    value = (CODEC.header(name) if ours else b"") + garbage
    reads = [lambda v: CODEC.decode(name, v)]
    reads += [CODEC.prefix_reader(name, HEADS[name]["fields"][0]["name"], rest=rest) for rest in (True, False)]
    for read in reads:
        try:
            read(value)
        except Unusable as fault:
            assert fault.reason in NAMES_OF_FAULTS
            assert "@" not in fault.detail


@unhurried
@given(A_RECORD, st.data())
def test_a_damaged_value_is_unusable_or_another_record_but_never_a_crash(
    named: tuple[str, Any], data: st.DataObject
) -> None:
    name, record = named
    value = bytearray(CODEC.encode(name, record))
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = CODEC.decode(name, bytes(value))
    except Unusable as fault:
        assert fault.reason in NAMES_OF_FAULTS
    else:
        assert CODEC.decode(name, CODEC.encode(name, read)) == read

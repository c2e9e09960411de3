"""Records to bytes and back, in the Confluent wire format: byte 0, four bytes of schema id, the Avro body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from streams.errors import Unusable
from streams.schemas.avsc import Schema, bare, load_head
from streams.schemas.lock import read_lock

Read = Callable[[bytes], dict[str, Any]]
Write = Callable[[Mapping[str, Any]], bytes]
HEADER = 5


class Codec:
    """First version: fastavro throughout."""

    def __init__(self, schemas: Mapping[str, Schema], ids: Mapping[str, int]) -> None:
        self._schemas = {name: bare(schema) for name, schema in schemas.items()}
        self._parsed = {name: parse_schema(schema) for name, schema in self._schemas.items()}
        self._headers = {name: b"\0" + schema_id.to_bytes(4, "big") for name, schema_id in ids.items()}

    def header(self, name: str) -> bytes:
        return self._headers[name]

    def is_ours(self, name: str, value: bytes) -> bool:
        return value[:HEADER] == self._headers[name]

    def encode(self, name: str, record: Mapping[str, Any]) -> bytes:
        return _writer(self._headers[name], self._parsed[name])(record)

    def decode(self, name: str, value: bytes) -> dict[str, Any]:
        return _reader(self._headers[name], self._parsed[name], whole=True)(value)

    def prefix_reader(self, name: str, last: str) -> Read:
        return _reader(self._headers[name], parse_schema(_cut(self._schemas[name], last)), whole=False)

    def prefix_writer(self, name: str, last: str) -> Write:
        return _writer(self._headers[name], parse_schema(_cut(self._schemas[name], last)))


def load_codec(registry: Any = None) -> Codec:
    return Codec(load_head(), {row.schema: row.id for row in read_lock()})


def _cut(schema: Schema, last: str) -> Schema:
    names = [field["name"] for field in schema["fields"]]
    return {**schema, "fields": schema["fields"][: names.index(last) + 1]}


def _reader(header: bytes, schema: Schema, *, whole: bool) -> Read:
    def read(value: bytes) -> dict[str, Any]:
        if value[:HEADER] != header:
            raise Unusable("BAD_MAGIC" if value[:1] != b"\0" or len(value) < HEADER else "UNKNOWN_SCHEMA")
        body = BytesIO(value)
        body.seek(HEADER)
        try:
            record: dict[str, Any] = schemaless_reader(body, schema, None, return_record_name_override=True, return_record_name=True)
        except Exception as error:
            raise Unusable("NOT_AVRO", type(error).__name__) from None
        if whole and body.read(1):
            raise Unusable("NOT_AVRO", "bytes after the record")
        return record

    return read


def _writer(header: bytes, schema: Schema) -> Write:
    def write(record: Mapping[str, Any]) -> bytes:
        body = BytesIO()
        body.write(header)
        try:
            schemaless_writer(body, schema, record)
        except Exception as error:
            raise Unusable("WRONG_TYPE", type(error).__name__) from None
        return body.getvalue()

    return write

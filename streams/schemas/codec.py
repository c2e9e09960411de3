"""Records to bytes and back, in the Confluent wire format: byte 0, four bytes of schema id, the Avro body.

A value by today's schema is read by code made from it (reading, writing); any other is resolved from its writer's
schema to ours by fastavro, and comes out the same. Values are never null here: a tombstone is its topic's business.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from fastavro import parse_schema, schemaless_reader
from fastavro.read import SchemaResolutionError

from streams.errors import SchemaUnknown, Unusable
from streams.schemas.avsc import Schema, bare, load_head, load_released
from streams.schemas.layout import plans_of
from streams.schemas.lock import Locked, fingerprint_of, read_lock
from streams.schemas.plain import Form
from streams.schemas.reading import HEADER, Read, make_reader
from streams.schemas.writers import SchemaSource, Writers
from streams.schemas.writing import STUMBLES, Write, make_writer

_GARBLED = (EOFError, LookupError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError, struct.error)
"""What fastavro raises for bytes that are not what their schema says."""


def load_codec(registry: SchemaSource | None = None, home: Path | None = None, *, aside: bool = False) -> Codec:
    """Return the codec of today's schemas; ids from *registry* where there is one, from lock.json otherwise.

    Ids of the lock are known in any case: no registry gives out such ids (see lock). With *aside*, a value for whose id
    the registry must be asked raises MustAsk, and holds nobody up.

    Raises SchemaUnknown where the registry does not know our schemas or does not answer, and where lock.json does not
    know today's schemas.
    """
    return Codec(load_head(home), _locked_schemas(home), registry, aside=aside)


class Codec:
    """Encodes and decodes our records; *name* is always a full name such as `mail.Feedback`."""

    def __init__(
        self,
        heads: Mapping[str, Schema],
        locked: Mapping[int, Schema],
        registry: SchemaSource | None,
        *,
        aside: bool = False,
    ) -> None:
        """Make the readers and writers of *heads*; *locked* is every version that has an id without a registry."""
        self._heads = dict(heads)
        self._writers = Writers(locked, registry, aside=aside)
        self._fingerprints = {name: fingerprint_of(schema) for name, schema in heads.items()}
        self._headers: dict[str, bytes] = {}
        self._ours: dict[str, set[bytes]] = {}
        self._readers: dict[tuple[str, str, bool], Read] = {}
        self._prefix_writers: dict[tuple[str, str], Write] = {}
        for name, mark in self._fingerprints.items():
            ids = [schema_id for schema_id in locked if self._writers.find(schema_id).fingerprint == mark]
            today = registry.id_of(name) if registry is not None else _only(ids, name)
            self._writers.know(today, heads[name])
            self._headers[name] = _header(today)
            self._ours[name] = {_header(schema_id) for schema_id in [*ids, today]}
        self._decoders = {name: self.prefix_reader(name, _last(schema)) for name, schema in heads.items()}
        self._encoders = {name: self.prefix_writer(name, _last(schema)) for name, schema in heads.items()}

    def encode(self, name: str, record: Mapping[str, Any]) -> bytes:
        """Return the wire value of *record*; fields that have a default may be missing; Unusable (WRONG_TYPE)."""
        return self._encoders[name](record)

    def decode(self, name: str, value: bytes) -> dict[str, Any]:
        """Return the record in *value*, whatever version wrote it; times are int ms.

        Raises Unusable: BAD_MAGIC, UNKNOWN_SCHEMA, NOT_AVRO, WRONG_TYPE (another kind of record altogether); and
        SchemaUnknown for an id that only a registry out of reach can tell, MustAsk for one to be asked for aside.
        """
        return self._decoders[name](value)

    def header(self, name: str) -> bytes:
        """Return the five bytes with which our own values begin."""
        return self._headers[name]

    def own(self, name: str, value: bytes) -> bytes:
        """Return *value* as our own schema writes it, under our own id: it may be embedded, and kept for long.

        An id of somebody else's for the same schema would have to be asked for after the next start.
        """
        header = self._headers[name]
        if value.startswith(header):
            return value
        return header + value[HEADER:] if self.is_ours(name, value) else self.encode(name, self.decode(name, value))

    def is_ours(self, name: str, value: bytes) -> bool:
        """Return whether *value* says that its body is as our own schema writes it: only then may it be embedded."""
        return value[:HEADER] in self._ours[name]

    def plans(self, name: str, last: str) -> list[bytes]:
        """Return the plans by which compiled code walks over a record of our own (see layout.py)."""
        return plans_of(self._heads[name], last)

    def symbols(self, name: str, field: str) -> list[str]:
        """Return the symbols of an enum field, in the order of their numbers."""
        found: list[str] = next(
            each["type"]["symbols"] for each in self._heads[name]["fields"] if each["name"] == field
        )
        return found

    def prefix_reader(self, name: str, last: str, *, rest: bool = False) -> Read:
        """Return a reader of the fields up to and including *last*: fast where the value is ours, as decode otherwise.

        What follows *last* is not looked at, unless *rest* asks that it be stepped over: then a value that is cut
        short, or goes on behind the record, is Unusable (NOT_AVRO) as it is for decode. Made once for all who ask.
        """
        wanted = (name, last, rest)
        if wanted not in self._readers:
            resolve = self._resolver(name)
            self._readers[wanted] = make_reader(self._heads[name], last, self._ours[name], resolve, rest=rest)
        return self._readers[wanted]

    def prefix_writer(self, name: str, last: str) -> Write:
        """Return a writer of the header and the fields up to and including *last*; Unusable (WRONG_TYPE)."""
        if (name, last) not in self._prefix_writers:
            schema, header = self._heads[name], self._headers[name]
            exact = make_writer(schema, last, header, None)
            careful = _careful_writer(name, _cut(schema, last), exact)
            self._prefix_writers[name, last] = make_writer(schema, last, header, careful)
        return self._prefix_writers[name, last]

    def _resolver(self, name: str) -> Read:
        """Return the reader of values that are not by our own schema, or not yet known to be."""
        ours, mark, reader = self._ours[name], self._fingerprints[name], parse_schema(bare(self._heads[name]))
        form = Form(name, self._heads[name])

        def read(value: bytes) -> dict[str, Any]:
            if len(value) < HEADER or value[0]:
                raise Unusable("BAD_MAGIC", f"{name}: no 0 and schema id at the head of {len(value)} bytes")
            schema_id = int.from_bytes(value[1:HEADER], "big")
            writer = self._writers.find(schema_id)
            if writer.fingerprint == mark:
                ours.add(_header(schema_id))
                return self.decode(name, value)
            return form.complete(_resolve(name, value, writer.parsed, reader))

        return read


def _resolve(name: str, value: bytes, writer: Any, reader: Any) -> Any:
    """Return what is in *value*, brought from the writer's schema into the reader's."""
    body = BytesIO(value)
    body.seek(HEADER)
    try:  # a union of several records gives (name, record), as the made readers do
        record = schemaless_reader(body, writer, reader, return_record_name=True, return_record_name_override=True)
    except SchemaResolutionError:
        raise Unusable("WRONG_TYPE", f"{name}: the value's schema cannot be read as this one") from None
    except _GARBLED:
        raise Unusable("NOT_AVRO", f"{name}: {len(value)} bytes that are not what their schema says") from None
    if body.read(1):
        raise Unusable("NOT_AVRO", f"{name}: bytes behind the record")
    return record


def _careful_writer(name: str, schema: Schema, exact: Write) -> Write:
    """Return the writer for records at which the fast one stumbles: defaults first, then every type made sure of."""
    form = Form(name, schema)
    defaults = {field["name"]: field["default"] for field in schema["fields"] if "default" in field}

    def write(record: Mapping[str, Any]) -> bytes:
        try:
            return exact({**defaults, **record})
        except STUMBLES:
            return exact(form.complete(record))

    return write


def _cut(schema: Schema, last: str) -> Schema:
    names = [field["name"] for field in schema["fields"]]
    return {**schema, "fields": schema["fields"][: names.index(last) + 1]}


def _last(schema: Schema) -> str:
    name: str = schema["fields"][-1]["name"]
    return name


def _header(schema_id: int) -> bytes:
    return b"\x00" + schema_id.to_bytes(HEADER - 1, "big")


def _only(ids: list[int], name: str) -> int:
    if not ids:
        raise SchemaUnknown(f"lock.json has no id for today's {name}: `ses-streams schemas check` says what to add")
    return ids[-1]


def _locked_schemas(home: Path | None) -> dict[int, Schema]:
    """Return id to schema for every row of the lock whose schema is at hand, oldest first."""
    at_hand = [*load_released(home).values(), load_head(home)]
    by_mark = {(name, fingerprint_of(schema)): schema for version in at_hand for name, schema in version.items()}
    return {row.id: by_mark[_mark(row)] for row in read_lock(home) if _mark(row) in by_mark}


def _mark(row: Locked) -> tuple[str, str]:
    return row.schema, row.fingerprint

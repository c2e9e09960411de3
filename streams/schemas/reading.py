"""Functions that read records, made from a schema: one pass over the bytes, no file object, no loop over fields.

Every length is checked by the read that follows it and by the last line, so no count makes it allocate more than the
value is long, and every fault of the bytes is Unusable (NOT_AVRO). Resolution of other schemas is not done here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from streams.errors import SchemaUnsupported, Unusable
from streams.schemas.avsc import Schema
from streams.schemas.shape import full_name
from streams.schemas.source import Source
from streams.schemas.varint import (
    STEPS,
    TIME_HIGHS_READ,
    TIME_LOWS_READ,
    block_count,
    raw_number,
    step_over,
)
from streams.schemas.walking import (
    LEAST_RUN,
    Skipper,
    blocks,
    empty_of,
    raw_lines,
    run_length,
    step_lines,
    time_lines,
)

HEADER = 5
"""Bytes before the body in the Confluent wire format: a zero, and four of schema id."""

Read = Callable[[bytes], dict[str, Any]]

_WALKS = {
    "RAW": raw_number,
    "BLOCK": block_count,
    "STEP": step_over,
    "STEPS": STEPS,
    "LOWS": TIME_LOWS_READ,
    "HIGHS": TIME_HIGHS_READ,
}
_INT = 1 << 31
_SYMBOLS = 64  # more would need two bytes


def make_reader(schema: Schema, last: str, headers: AbstractSet[bytes], other: Read, *, rest: bool) -> Read:
    """Return a function that reads the fields of a record up to and including *last* (KeyError if there is none).

    Values with a header that is not in *headers* go to *other*. With *rest* what follows is stepped over too, so that
    the value is known to be one whole record and nothing more (text that is stepped over is not decoded).
    """
    fields = schema["fields"]
    at = {field["name"]: place for place, field in enumerate(fields)}[last] + 1
    garbled = _garbled(schema)
    source = Source(HEADERS=headers, OTHER=other, GARBLED=garbled, **_WALKS)
    with source.block("def read(b):"):
        with source.block("if b[:5] not in HEADERS:"):
            source.add("return OTHER(b)")
        source.add(f"p = {HEADER}")
        with source.block("try:"):
            record = _Reader(source).fields(fields[:at])
            if rest:
                Skipper(source).fields(fields[at:])
        with source.block("except (IndexError, KeyError, ValueError):"):
            source.add("raise GARBLED(b) from None")
        with source.block(f"if p {'!=' if rest or at == len(fields) else '>'} len(b):"):
            source.add("raise GARBLED(b)")
        source.add(f"return {record}")
    return source.function("read")


def _garbled(schema: Schema) -> Callable[[bytes], Unusable]:
    name = full_name(schema, "")
    return lambda value: Unusable("NOT_AVRO", f"{name}: {len(value)} bytes that are not such a record")


class _Reader:
    """Writes the lines that read each type from `b` at `p`; each method returns the expression of what was read."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def fields(self, fields: Sequence[Schema]) -> str:
        """Read fields in order and return the expression of their record; a run of empty ones goes at one look."""
        names: list[tuple[str, str]] = []
        rest = list(fields)
        while rest:
            length = run_length(rest)
            if length >= LEAST_RUN:
                run = [(field, self._source.name()) for field in rest[:length]]
                self._run(run)
                names += [(field["name"], name) for field, name in run]
            else:
                names.append((rest[0]["name"], self._value(rest[0]["type"])))
            rest = rest[length if length >= LEAST_RUN else 1 :]
        return "{" + ", ".join(f"{name!r}: {value}" for name, value in names) + "}"

    def _run(self, run: Sequence[tuple[Schema, str]]) -> None:
        with self._source.block(f"if b[p:p + {len(run)}] == {bytes(len(run))!r}:"):
            self._source.add(f"p += {len(run)}", *(f"{name} = {empty_of(field['type'])}" for field, name in run))
        with self._source.block("else:"):
            for field, name in run:
                self._source.add(f"{name} = {self._value(field['type'])}")

    def _value(self, schema: Schema) -> str:  # noqa: C901, PLR0911 - one line a type
        if isinstance(schema, list):
            return self._union(schema)
        match schema["type"] if isinstance(schema, dict) else schema:
            case "record":
                return self.fields(schema["fields"])
            case "enum":
                return self._enum(schema["symbols"])
            case "array":
                return self._array(schema["items"])
            case "map":
                return self._map(schema["values"])
            case "long" if isinstance(schema, dict):
                return self._time()
            case "int":
                return self._int()
            case "long":
                return self._number()
            case "string" | "bytes" as kind:
                return self._octets(".decode()" if kind == "string" else "")
            case "boolean":
                return self._look_up((False, True))
            case other:
                raise SchemaUnsupported(f"no reader for the type {other}")

    def _look_up(self, choices: Any) -> str:
        name = self._source.name()
        self._source.add(f"{name} = {self._source.constant(choices)}[b[p]]", "p += 1")
        return name

    def _enum(self, symbols: Sequence[str]) -> str:
        if len(symbols) > _SYMBOLS:
            raise SchemaUnsupported(f"an enum of more than {_SYMBOLS} symbols")
        return self._look_up({place * 2: symbol for place, symbol in enumerate(symbols)})

    def _number(self) -> str:
        name = self._source.name()
        raw_lines(self._source)
        self._source.add(f"{name} = (n >> 1) ^ -(n & 1)")
        return name

    def _int(self) -> str:
        name = self._number()
        with self._source.block(f"if not {-_INT} <= {name} < {_INT}:"):
            self._source.add("raise ValueError")
        return name

    def _time(self) -> str:
        name = self._source.name()
        time_lines(self._source, f"{name} = ")
        return name

    def _octets(self, decode: str) -> str:
        name = self._source.name()
        step_lines(self._source)
        self._source.add("e = p + n", f"{name} = b[p + 1:e]{decode}", "p = e")
        return name

    def _array(self, items: Schema) -> str:
        name = self._source.name()
        self._source.add(f"{name} = []")
        with blocks(self._source):
            self._source.add(f"{name}.append({self._value(items)})")
        return name

    def _map(self, values: Schema) -> str:
        name = self._source.name()
        self._source.add(f"{name} = {{}}")
        with blocks(self._source):
            key = self._value("string")
            self._source.add(f"{name}[{key}] = {self._value(values)}")
        return name

    def _union(self, branches: Sequence[Schema]) -> str:
        name = self._source.name()
        named = sum(isinstance(branch, dict) for branch in branches) > 1
        self._source.add("n = b[p]", "p += 1")
        for place, branch in enumerate(branches):
            with self._source.block(f"{'elif' if place else 'if'} n == {place * 2}:"):
                value = "None" if branch == "null" else self._value(branch)
                self._source.add(f"{name} = " + (f"({full_name(branch, 'mail')!r}, {value})" if named else value))
        with self._source.block("else:"):
            self._source.add("raise IndexError")
        return name

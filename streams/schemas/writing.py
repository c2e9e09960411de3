"""Functions that write records, made from a schema: look-ups and one join, no file object, no loop over fields.

The made function takes well-formed records at speed; whatever makes it stumble (a field left out, a wrong type) goes
the careful way, which fills in defaults or says what is wrong. Maps of more than a few entries are written with their
size in bytes, so that readers can step over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streams.errors import SchemaUnsupported
from streams.schemas.avsc import Schema
from streams.schemas.shape import full_name
from streams.schemas.source import Source
from streams.schemas.varint import INTS, LONGS, SOME, TIME_HIGHS, TIME_LOWS, zigzag

Write = Callable[[Mapping[str, Any]], bytes]

STUMBLES = (KeyError, TypeError, AttributeError, ValueError, IndexError)
"""What a made writer may raise for a record that is not well-formed."""

_SMALL_MAP = 3  # up to so many entries are stepped over faster than a size is written and read


def make_writer(schema: Schema, last: str, header: bytes, otherwise: Write | None) -> Write:
    """Return a function that writes *header* and the fields up to and including *last* (KeyError if there is none).

    A record that is not well-formed goes to *otherwise*, and so does one with a time before 8 seconds past 1970, which
    is not looked up but worked out. Without *otherwise* every time is worked out, and STUMBLES are raised.
    """
    fields = schema["fields"]
    at = {field["name"]: place for place, field in enumerate(fields)}[last] + 1
    source = Source(HEADER=header, OTHERWISE=otherwise, STUMBLES=STUMBLES, **_WORDS)
    maker = _Writer(source, any_time=otherwise is None)
    with source.block("def write(r):"):
        with source.block("try:"):
            parts = maker.fields("r", fields[:at])
            source.add(f"return JOIN((HEADER, {', '.join(parts)}))")
        with source.block("except STUMBLES:"):
            source.add("raise" if otherwise is None else "return OTHERWISE(r)")
    return source.function("write")


def _sized_map(parts: Sequence[bytes], count: int) -> bytes:
    """Return a map's one block: the negated count, the size of its entries in bytes, the entries, the end."""
    entries = b"".join(parts)
    return b"".join((zigzag(-count), LONGS[len(entries)], entries, b"\x00"))


_WORDS = {"JOIN": b"".join, "SIZED": _sized_map, "INTS": INTS, "LONGS": LONGS, "SOME": SOME}


class _Writer:
    """Writes the lines that prepare each type, and returns the expressions of its parts, in order."""

    def __init__(self, source: Source, *, any_time: bool) -> None:
        self._source = source
        self._times = None if any_time else (source.constant(TIME_LOWS), source.constant(TIME_HIGHS))

    def fields(self, record: str, fields: Sequence[Schema]) -> list[str]:
        """Write the fields of the record in the variable *record*."""
        parts: list[str] = []
        for field in fields:
            value = self._source.name()
            self._source.add(f"{value} = {record}[{field['name']!r}]")
            parts += self._value(value, field["type"])
        return parts

    def _value(self, value: str, schema: Schema) -> list[str]:  # noqa: C901, PLR0911 - one line a type
        if isinstance(schema, list):
            return self._union(value, schema)
        match schema["type"] if isinstance(schema, dict) else schema:
            case "record":
                return self.fields(value, schema["fields"])
            case "enum":
                return [self._choice(value, {symbol: zigzag(n) for n, symbol in enumerate(schema["symbols"])})]
            case "array":
                return self._array(value, schema["items"])
            case "map":
                return self._map(value, schema["values"])
            case "long" if isinstance(schema, dict) and self._times is not None:
                lows, highs = self._times
                self._source.add(f"{value} <<= 1")
                return [f"{lows}[{value} & 16383]", f"{highs}[{value} >> 14]"]
            case "int" | "long" as kind:
                return [f"{'INTS' if kind == 'int' else 'LONGS'}[{value}]"]
            case "string":
                self._source.add(f"{value} = {value}.encode()")
                return [f"LONGS[len({value})]", value]
            case "bytes":
                return [f"LONGS[len({value})]", value]
            case "boolean":
                return [self._choice(value, {False: b"\x00", True: b"\x01"})]
            case other:
                raise SchemaUnsupported(f"no writer for the type {other}")

    def _choice(self, value: str, choices: Mapping[Any, bytes]) -> str:
        return f"{self._source.constant(choices)}[{value}]"

    def _array(self, value: str, items: Schema) -> list[str]:
        out, count, item = self._source.name(), self._source.name(), self._source.name()
        self._source.add(f"{count} = len({value})")
        with self._source.block(f"if {count}:"):
            with self._source.block(f"if {value}.__class__ is not list and {value}.__class__ is not tuple:"):
                self._source.add("raise TypeError")
            self._source.add(f"{out} = [LONGS[{count}]]")
            with self._source.block(f"for {item} in {value}:"):
                self._extend(out, self._value(item, items))
            self._source.add(f"{out}.append(b'\\0')", f"{out} = JOIN({out})")
        with self._source.block("else:"):
            self._source.add(f"{out} = b'\\0'")
        return [out]

    def _map(self, value: str, values: Schema) -> list[str]:
        out, count, key, item = (self._source.name() for _ in range(4))
        self._source.add(f"{count} = len({value})")
        with self._source.block(f"if {count}:"):
            self._source.add(f"{out} = []")
            with self._source.block(f"for {key}, {item} in {value}.items():"):
                self._extend(out, [*self._value(key, "string"), *self._value(item, values)])
            with self._source.block(f"if {count} > {_SMALL_MAP}:"):
                self._source.add(f"{out} = SIZED({out}, {count})")
            with self._source.block("else:"):
                self._source.add(f"{out} = JOIN((LONGS[{count}], *{out}, b'\\0'))")
        with self._source.block("else:"):
            self._source.add(f"{out} = b'\\0'")
        return [out]

    def _extend(self, out: str, parts: Sequence[str]) -> None:
        self._source.add(f"{out} += ({', '.join(parts)},)")

    def _union(self, value: str, branches: Sequence[Schema]) -> list[str]:
        if len(branches) == 2 and branches[0] == "null":  # noqa: PLR2004 - an optional value
            return self._optional(value, branches[1])
        branch, out = self._source.name(), self._source.name()
        self._source.add(f"{branch}, {value} = {value}")
        for place, kind in enumerate(branches):
            with self._source.block(f"{'elif' if place else 'if'} {branch} == {full_name(kind, 'mail')!r}:"):
                parts = [repr(zigzag(place)), *self._value(value, kind)]
                self._source.add(f"{out} = JOIN(({', '.join(parts)},))")
        with self._source.block("else:"):
            self._source.add("raise TypeError")
        return [out]

    def _optional(self, value: str, kind: Schema) -> list[str]:
        out = self._source.name()
        with self._source.block(f"if {value} is None:"):
            self._source.add(f"{out} = b'\\0'")
            if kind == "string":
                self._source.add(f"{value} = b''")
        with self._source.block("else:"):
            if kind == "string":
                self._source.add(f"{value} = {value}.encode()", f"{out} = SOME[len({value})]")
            else:
                parts = ["b'\\2'", *self._value(value, kind)]
                self._source.add(f"{out} = JOIN(({', '.join(parts)}))")
        return [out, value] if kind == "string" else [out]

"""A record's fields as plans for the compiled walk (kernel/ses_streams_kernel/walk.pxi says what each step means).

The schema stays the one source: what is compiled knows no field, only how to step over what a plan names.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.errors import SchemaUnsupported
from streams.schemas.avsc import Schema

_LONGEST = 255
"""Of a plan within a plan: its length is one byte."""


def plans_of(schema: Schema, last: str) -> list[bytes]:
    """Return a plan for each field of a record; up to *last*, texts have to be ASCII, since they will be read.

    Raises:
        SchemaUnsupported: a type is not spoken there.
    """
    names = [field["name"] for field in schema["fields"]]
    read = names.index(last) + 1
    return [_plan(field["type"], ascii=place < read) for place, field in enumerate(schema["fields"])]


def _plan(schema: Schema, *, ascii: bool) -> bytes:  # noqa: A002, C901, PLR0911 - the word for it; one line a type
    if isinstance(schema, list):
        return _optional(schema, ascii=ascii)
    match schema["type"] if isinstance(schema, dict) else schema:
        case "record":
            return b"".join(_plan(field["type"], ascii=ascii) for field in schema["fields"])
        case "array":
            return b"a" + _within(_plan(schema["items"], ascii=ascii))
        case "map":
            if ascii:
                raise SchemaUnsupported("no plan for a map that is read")
            return b"m" + _within(_plan(schema["values"], ascii=ascii))
        case "enum":
            return b"e" + bytes((len(schema["symbols"]),))
        case "string":
            return b"S" if ascii else b"s"
        case "int":
            return b"i"
        case "long":
            return b"l"
        case "boolean":
            return b"b"
        case other:
            raise SchemaUnsupported(f"no plan for the type {other}")


def _optional(branches: Sequence[Schema], *, ascii: bool) -> bytes:  # noqa: A002 - as above
    if len(branches) != 2 or branches[0] != "null":  # noqa: PLR2004 - nothing, or something
        raise SchemaUnsupported("no plan for a union other than of null and one type")
    return b"o" + _within(_plan(branches[1], ascii=ascii))


def _within(plan: bytes) -> bytes:
    if not 0 < len(plan) <= _LONGEST:
        raise SchemaUnsupported("a type too large for a plan within a plan")
    return bytes((len(plan),)) + plan

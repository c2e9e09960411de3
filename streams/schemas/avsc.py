"""Schema files as JSON values: reading them, and putting the schemas they refer to in their place.

A self-contained schema is what the codec, the fingerprints and the checks work on: `mail.Outcome` refers to
`mail.Send` and `mail.Feedback` by name, and here they are written out. No record is read or written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streams.schemas.files import schema_home

_PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
_WORDS = _PRIMITIVES | {"record", "enum", "fixed", "array", "map"}

Schema = Any
"""An Avro schema as JSON has it: a type's name, an object, or a list (a union)."""


def read_directory(directory: Path) -> dict[str, Schema]:
    """Return every `*.avsc` of *directory*, full name to schema as written (references are names)."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(directory.glob("*.avsc"))}


def load_head(home: Path | None = None) -> dict[str, Schema]:
    """Return today's schemas, full name to self-contained schema."""
    return resolved(read_directory(schema_home() if home is None else home))


def load_released(home: Path | None = None) -> dict[str, dict[str, Schema]]:
    """Return the released schemas: version (`v1`) to full name to self-contained schema."""
    released = (schema_home() if home is None else home) / "released"
    return {directory.name: resolved(read_directory(directory)) for directory in sorted(released.glob("v*"))}


def resolved(written: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return every schema with the others that it names written out at their first use, as Avro wants it.

    Later uses stay names, and become full names.
    """
    return {name: _inlined(schema, written, set(), "") for name, schema in written.items()}


def bare(schema: Schema) -> Schema:
    """Return *schema* without logicalType: times stay int milliseconds, and fastavro makes no datetimes."""
    if isinstance(schema, list):
        return [bare(branch) for branch in schema]
    if isinstance(schema, dict):
        return {word: bare(value) for word, value in schema.items() if word != "logicalType"}
    return schema


def _inlined(schema: Schema, written: Mapping[str, Schema], seen: set[str], space: str) -> Schema:
    """Return *schema* with references replaced; *seen* holds the names that were already written out."""
    if isinstance(schema, str):
        name = schema if schema in _WORDS or "." in schema or not space else f"{space}.{schema}"
        if name not in written or name in seen:
            return name
        seen.add(name)
        return _inlined(written[name], written, seen, "")
    if isinstance(schema, list):
        return [_inlined(branch, written, seen, space) for branch in schema]
    inner = dict(schema)
    space = inner.get("namespace", space)
    for word in ("type", "items", "values"):
        if word in inner:
            inner[word] = _inlined(inner[word], written, seen, space)
    if "fields" in inner:
        inner["fields"] = [_inlined(field, written, seen, space) for field in inner["fields"]]
    return inner

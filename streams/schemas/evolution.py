"""May a schema change like this? Avro's rules of resolution, asked of two schemas instead of two records.

`clashes(reader, writer)` says in words why a reader cannot read what a writer writes, with the path to the field. The
`avro` package has the same check without the paths inside unions, and users would have to install it; here it is the
second opinion of the tests. Aliases are not followed: a renamed field is a removed and a new one. No files here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from streams.schemas.avsc import Schema
from streams.schemas.shape import full_name

_WIDER = {
    "long": {"int"},
    "float": {"int", "long"},
    "double": {"int", "long", "float"},
    "string": {"bytes"},
    "bytes": {"string"},
}
"""What a reader's type reads besides itself (Avro specification, Schema Resolution)."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a value cannot be read: *path* to the field, *words* for people."""

    path: str
    words: str


def full_transitive(versions: Mapping[str, Schema]) -> Iterator[tuple[str, str, Clash]]:
    """Yield (reader version, writer version, clash) for every pair of *versions* of one schema, in both directions."""
    for reader_version, reader in versions.items():
        for writer_version, writer in versions.items():
            if reader_version != writer_version:
                for clash in clashes(reader, writer):
                    yield reader_version, writer_version, clash


def clashes(reader: Schema, writer: Schema) -> list[Clash]:
    """Return why values of *writer* cannot all be read as *reader*; nothing where they can. Both self-contained."""
    return list(_Reading(_named(reader), _named(writer)).compare(reader, writer, ""))


class _Reading:
    """One reader's schema against one writer's; named types are known by their full names."""

    def __init__(self, readers: Mapping[str, Schema], writers: Mapping[str, Schema]) -> None:
        self._readers = readers
        self._writers = writers

    def compare(self, reader: Schema, writer: Schema, path: str) -> Iterator[Clash]:
        """Yield the clashes of two types at *path*."""
        reader, writer = _definition(reader, self._readers), _definition(writer, self._writers)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.compare(reader, branch, path)
        elif isinstance(reader, list):
            yield from self._branch(reader, writer, path)
        elif _kind(reader) != _kind(writer):
            if _kind(writer) not in _WIDER.get(_kind(reader), ()):
                yield Clash(path, f"was written as {_kind(writer)} and is read as {_kind(reader)}: keep its type")
        else:
            yield from self._same_kind(reader, writer, path)

    def _same_kind(self, reader: Schema, writer: Schema, path: str) -> Iterator[Clash]:
        match _kind(reader):
            case "record":
                yield from self._record(reader, writer, path)
            case "enum":
                yield from _enum(reader, writer, path)
            case "array":
                yield from self.compare(reader["items"], writer["items"], f"{path}[]")
            case "map":
                yield from self.compare(reader["values"], writer["values"], f"{path}{{}}")
            case "fixed" if reader["size"] != writer["size"]:
                yield Clash(path, f"had {writer['size']} bytes and has {reader['size']}: keep its size")

    def _record(self, reader: Schema, writer: Schema, path: str) -> Iterator[Clash]:
        if reader["name"] != writer["name"]:
            yield Clash(path, f"was the record {writer['name']} and is {reader['name']}: keep its name")
            return
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            at = f"{path}.{field['name']}".removeprefix(".")
            if field["name"] in written:
                yield from self.compare(field["type"], written[field["name"]]["type"], at)
            elif "default" not in field:
                yield Clash(at, "is not in what was written, and the reader has no default for it: give it one")

    def _branch(self, reader: list[Schema], writer: Schema, path: str) -> Iterator[Clash]:
        """Yield nothing where a branch reads the writer; else what is wrong with the branch that comes nearest."""
        found = [(branch, list(self.compare(branch, writer, path))) for branch in reader]
        if all(clash for _, clash in found):
            near = [clash for branch, clash in found if _kind(_definition(branch, self._readers)) == _kind(writer)]
            yield from near[0] if len(near) == 1 else [Clash(path, f"may be {_name(writer)}, which no branch reads")]


def _enum(reader: Schema, writer: Schema, path: str) -> Iterator[Clash]:
    if reader["name"] != writer["name"]:
        yield Clash(path, f"was the enum {writer['name']} and is {reader['name']}: keep its name")
    missing = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if missing and "default" not in reader:
        yield Clash(path, f"may be {', '.join(missing)}, which the reader lacks: give the enum a default symbol")


def _named(schema: Schema, space: str = "") -> dict[str, Schema]:
    """Return every named type inside *schema* by its full name."""
    found: dict[str, Schema] = {}
    if isinstance(schema, list):
        for branch in schema:
            found |= _named(branch, space)
    elif isinstance(schema, dict):
        space = schema.get("namespace", space)
        if {"symbols", "fields", "size"} & schema.keys():
            found[full_name(schema, space)] = schema
        for inner in [schema.get("type"), schema.get("items"), schema.get("values"), *schema.get("fields", ())]:
            found |= _named(inner, space)
    return found


def _definition(schema: Schema, named: Mapping[str, Schema]) -> Schema:
    """Return what a name stands for, and an object's inner type where it only wraps one."""
    if isinstance(schema, str):
        return named.get(schema, schema)
    if isinstance(schema, dict) and isinstance(schema["type"], dict | list):
        return _definition(schema["type"], named)
    return schema


def _kind(schema: Schema) -> str:
    if isinstance(schema, list):
        return "union"
    return schema if isinstance(schema, str) else str(schema["type"])


def _name(schema: Schema) -> str:
    return str(schema["name"]) if isinstance(schema, dict) and "name" in schema else _kind(schema)

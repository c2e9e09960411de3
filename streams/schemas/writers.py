"""By which schema was this value written? The lock's versions are asked, then the registry; a no is remembered.

A known id never asks the registry, so its outage stops only ids that were never seen. Schemas that come from a
registry are looked over before they are used: one that could make a few bytes cost gigabytes, or a stack, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fastavro import parse_schema

from streams.errors import Unusable
from streams.schemas.avsc import Schema, bare
from streams.schemas.lock import fingerprint_of
from streams.schemas.shape import full_name

_ASK_AGAIN = 10_000  # refusals of one id before the registry is asked once more: it may have been registered late
_REMEMBERED = 4_096  # ids that nobody knows; random bytes have as many as they like


class SchemaSource(Protocol):
    """Where schemas and ids come from besides the lock: a Confluent-compatible registry, or a test's twin of it."""

    def id_of(self, name: str) -> int:
        """Return the id of today's schema *name*; SchemaUnknown where it is not registered or nobody answers."""

    def schema_of(self, schema_id: int) -> Schema | None:
        """Return the self-contained schema of an id, None where there is none; SchemaUnknown where nobody answers."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A writer's schema, as fastavro wants it, and its fingerprint."""

    parsed: Any
    fingerprint: str


class Writers:
    """Schema id to the schema by which its values were written."""

    def __init__(self, locked: Mapping[int, Schema], registry: SchemaSource | None) -> None:
        """Know the *locked* ids from the start."""
        self._found = {schema_id: _writer(schema) for schema_id, schema in locked.items()}
        self._registry = registry
        self._nobody_knows: dict[int, int] = {}

    def find(self, schema_id: int) -> Writer:
        """Return the writer's schema; Unusable (UNKNOWN_SCHEMA) where nobody knows the id.

        Raises SchemaUnknown where the id is not known here and the registry cannot be asked.
        """
        found = self._found.get(schema_id)
        return self._ask(schema_id) if found is None else found

    def _ask(self, schema_id: int) -> Writer:
        refusals = self._nobody_knows.get(schema_id, 0)
        if self._registry is None or 0 < refusals < _ASK_AGAIN:
            self._nobody_knows[schema_id] = refusals + 1
            raise _unknown(schema_id, "no schema has this id")
        schema = self._registry.schema_of(schema_id)
        if schema is None:
            if len(self._nobody_knows) >= _REMEMBERED:
                self._nobody_knows.clear()
            self._nobody_knows[schema_id] = 1
            raise _unknown(schema_id, "the registry has no Avro schema of this id")
        try:
            self._found[schema_id] = found = _writer(schema)
        except _NO_SCHEMA:
            self._nobody_knows[schema_id] = 1
            raise _unknown(schema_id, "the registry's schema of this id cannot be used") from None
        return found


_NO_SCHEMA = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _unknown(schema_id: int, words: str) -> Unusable:
    return Unusable("UNKNOWN_SCHEMA", f"{words}: {schema_id}")


def _writer(schema: Schema) -> Writer:
    """Return *schema* ready for use; one of _NO_SCHEMA where it is none (fastavro's own errors are ValueErrors)."""
    _size_at_least(schema, "", {}, frozenset())
    return Writer(parse_schema(bare(schema)), fingerprint_of(schema))


def _size_at_least(  # noqa: PLR0911 - one line a type
    schema: Schema, space: str, sizes: dict[str, int], open_names: frozenset[str]
) -> int:
    """Return the least bytes of a value; ValueError for a list of nothing and for a type that holds itself.

    A list whose items take no bytes can claim 2^60 of them in nine bytes; a type that holds itself can nest as deep as
    the value is long.
    """
    if isinstance(schema, list):
        return 1 + min((_size_at_least(branch, space, sizes, open_names) for branch in schema), default=0)
    if isinstance(schema, str):
        name = schema if "." in schema or not space else f"{space}.{schema}"
        if name in open_names:
            raise ValueError("a type that holds itself")
        return sizes.get(name, 0 if schema == "null" else 1)
    inner = {"space": schema.get("namespace", space), "sizes": sizes, "open_names": open_names}
    match schema["type"]:
        case "array":
            if not _size_at_least(schema["items"], **inner):
                raise ValueError("a list of nothing")
            return 1
        case "record":
            name = full_name(schema, space)
            inner["open_names"] = open_names | {name}
            sizes[name] = sum(_size_at_least(field["type"], **inner) for field in schema["fields"])
            return sizes[name]
        case "fixed":
            sizes[full_name(schema, space)] = int(schema["size"])
            return int(schema["size"])
        case "map":
            return max(_size_at_least(schema["values"], **inner), 1)
        case "enum":
            return 1
        case kind:
            return _size_at_least(kind, **inner)

"""By which schema was this value written? The lock's versions are asked, then the registry; a no is remembered.

A known id never asks the registry, so its outage stops only ids that were never seen. Asking takes as long as the
registry likes: a worker, whose loop has other things to do, wants to be told that it must ask (*aside*), and does so in
a thread. Schemas that come from a registry are looked over before they are used: one that could make a few bytes cost
gigabytes, or a stack, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from fastavro import parse_schema

from streams.errors import MustAsk, Unusable
from streams.schemas.avsc import Schema, bare
from streams.schemas.lock import FIRST_ID, fingerprint_of
from streams.schemas.reading import HEADER
from streams.schemas.shape import full_name

_ASK_AGAIN = 10_000  # refusals of one id before the registry is asked once more: it may have been registered late
_REMEMBERED = 1 << 17  # ids that nobody knows: more than the records of one fetch, or they would be asked in turns
_ASIDE_S = 5.0  # how long to go on asking at a time: a thread cannot be cut short when the worker stops


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

    def __init__(self, locked: Mapping[int, Schema], registry: SchemaSource | None, *, aside: bool = False) -> None:
        """Know the *locked* ids from the start; raise MustAsk in place of asking, if *aside*."""
        self._found = {schema_id: _writer(schema) for schema_id, schema in locked.items()}
        self._registry = registry
        self._aside = aside
        self._nobody_knows: dict[int, int] = {}

    def know(self, schema_id: int, schema: Schema) -> None:
        """Know an id without asking: it is that of *schema*."""
        self._found[schema_id] = _writer(schema)

    def find(self, schema_id: int) -> Writer:
        """Return the writer's schema; Unusable (UNKNOWN_SCHEMA) where nobody knows the id.

        Raises SchemaUnknown where the id is not known here and the registry cannot be asked, MustAsk where it is not
        to be asked here.
        """
        found = self._found.get(schema_id)
        return self._ask(schema_id) if found is None else found

    def _ask(self, schema_id: int) -> Writer:
        registry = self._registry
        if registry is None or not self._may_ask(schema_id):
            if schema_id in self._nobody_knows:
                self._nobody_knows[schema_id] += 1
            raise _unknown(schema_id, "no schema has this id")
        if self._aside:
            raise MustAsk(f"schema id {schema_id}", lambda values: self._learn_all(registry, schema_id, values))
        self._learn(registry, schema_id)
        if schema_id in self._found:
            return self._found[schema_id]
        raise _unknown(schema_id, "the registry has no Avro schema of this id that can be used")

    def _may_ask(self, schema_id: int) -> bool:
        """Return whether an id that is not known here is worth a question."""
        return schema_id < FIRST_ID and not 0 < self._nobody_knows.get(schema_id, 0) < _ASK_AGAIN

    def _learn_all(self, registry: SchemaSource, schema_id: int, values: Sequence[bytes | None]) -> None:
        """Ask for an id and for those of *values*, until all are known or a while has passed."""
        until = monotonic() + _ASIDE_S
        for one in dict.fromkeys([schema_id, *_ids(values)]):
            if one not in self._found and self._may_ask(one):
                self._learn(registry, one)
                if monotonic() > until:
                    return

    def _learn(self, registry: SchemaSource, schema_id: int) -> None:
        """Ask the registry, and remember its answer: a schema, or a no."""
        schema = registry.schema_of(schema_id)
        try:
            if schema is not None:
                self._found[schema_id] = _writer(schema)
                return
        except _NO_SCHEMA:
            pass  # one that cannot be used is as good as none
        if len(self._nobody_knows) >= _REMEMBERED:
            del self._nobody_knows[next(iter(self._nobody_knows))]
        self._nobody_knows[schema_id] = 1


_NO_SCHEMA = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _ids(values: Sequence[bytes | None]) -> Iterator[int]:
    """Yield the schema id of each value that has one."""
    return (int.from_bytes(value[1:HEADER], "big") for value in values if value and not value[0])


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

"""A part of Avro that no schema of ours uses is refused at the start, by name, and not in the midst of a topic."""

from __future__ import annotations

from typing import Any

import pytest

from streams.errors import SchemaUnsupported
from streams.schemas.reading import make_reader
from streams.schemas.writing import make_writer


def _schema(kind: Any) -> dict[str, Any]:
    fields = [{"name": "first", "type": kind}, {"name": "last", "type": "string"}]
    return {"type": "record", "name": "mail.Odd", "fields": fields}


def _other(_: bytes) -> dict[str, Any]:
    return {}


FIXED = {"type": "fixed", "name": "mail.Digest", "size": 16}
LONG_ENUM = {"type": "enum", "name": "mail.Long", "symbols": [f"S{n}" for n in range(65)]}


@pytest.mark.parametrize(("kind", "said"), [("double", "double"), (FIXED, "fixed"), (LONG_ENUM, "64 symbols")])
def test_a_type_without_a_reader_is_refused_at_the_start(kind: Any, said: str) -> None:
    with pytest.raises(SchemaUnsupported, match=said):
        make_reader(_schema(kind), "last", frozenset(), _other, rest=False)


@pytest.mark.parametrize("kind", ["double", FIXED])
def test_a_type_without_a_way_over_it_is_refused_at_the_start(kind: Any) -> None:
    with pytest.raises(SchemaUnsupported):
        make_reader(
            _schema("string") | {"fields": [{"name": "a", "type": "string"}, {"name": "b", "type": kind}]},
            "a",
            frozenset(),
            _other,
            rest=True,
        )


@pytest.mark.parametrize("kind", ["double", FIXED])
def test_a_type_without_a_writer_is_refused_at_the_start(kind: Any) -> None:
    with pytest.raises(SchemaUnsupported):
        make_writer(_schema(kind), "last", b"\0\0\0\0\1", None)

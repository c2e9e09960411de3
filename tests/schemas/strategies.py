"""Records of any schema, for hypothesis: what a well-behaved producer may write, all of it, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from streams.schemas.avsc import Schema
from streams.schemas.shape import full_name

TIMES = st.one_of(
    st.integers(1_700_000_000_000, 1_900_000_000_000), st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-9000, 9000)
)
TEXT = st.one_of(st.text(max_size=8), st.text("abc@.-", min_size=50, max_size=150))


def records(schema: Schema) -> st.SearchStrategy[Any]:
    """Return the strategy of values of a self-contained schema, in the form that the codec takes and gives."""
    if isinstance(schema, list):
        return _union(schema)
    if isinstance(schema, str):
        return _LEAVES[schema]
    match schema["type"]:
        case "record":
            return st.fixed_dictionaries({field["name"]: records(field["type"]) for field in schema["fields"]})
        case "enum":
            return st.sampled_from(schema["symbols"])
        case "array":
            return st.lists(records(schema["items"]), max_size=5)
        case "map":
            return st.dictionaries(TEXT, records(schema["values"]), max_size=5)
        case leaf:
            return TIMES if schema.get("logicalType") else _LEAVES[leaf]


def _union(branches: list[Schema]) -> st.SearchStrategy[Any]:
    named = sum(isinstance(branch, dict) for branch in branches) > 1
    if not named:
        return st.one_of(*(records(branch) for branch in branches))
    return st.one_of(*(st.tuples(st.just(full_name(branch, "mail")), records(branch)) for branch in branches))


_LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "long": st.one_of(st.integers(0, 10_000), st.integers(-(1 << 63), (1 << 63) - 1)),
    "bytes": st.binary(max_size=200),
    "string": TEXT,
}

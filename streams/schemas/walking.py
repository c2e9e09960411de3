"""How made code walks over Avro bytes: the lines that reading and stepping over have in common, and `Skipper`.

In made code `b` is the value, `p` the place in it and `n` the number just read, still in zigzag (so a length or a
count is half of it, and an odd one is negative). Nothing is kept here of what it steps over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from streams.errors import SchemaUnsupported
from streams.schemas.avsc import Schema
from streams.schemas.source import Source

LEAST_RUN = 3
"""Fewer empty fields in a row are read faster one by one."""

_TWO_BYTES = (1 << 14) - 1


def raw_lines(source: Source) -> None:
    """Read a varint into n: one byte and two bytes in line, more by a call."""
    source.add("n = b[p]", "p += 1")
    with source.block("if n > 127:"):
        source.add("n += (b[p] << 7) - 128", "p += 1")
        with source.block(f"if n > {_TWO_BYTES}:"):
            source.add("n, p = RAW(b, p - 2)")


def time_lines(source: Source, target: str) -> None:
    """Read a time in ms by two look-ups: six bytes until 2039. *target* is `name = `, or nothing."""
    with source.block("try:"):
        source.add(f"{target}LOWS[b[p:p + 2]] + HIGHS[b[p + 2:p + 6]]", "p += 6")
    with source.block("except KeyError:"):
        source.add("n, p = RAW(b, p)", f"{target}(n >> 1) ^ -(n & 1)")


def step_lines(source: Source) -> None:
    """Read the length of a text or of bytes: n becomes the step from p, the length's last byte, to what follows."""
    source.add("n = STEPS[b[p]]")
    with source.block("if n is None:"):
        source.add("n = b[p] - 128 + (b[p + 1] << 7)", "p += 1")
        with source.block(f"if n > {_TWO_BYTES} or n & 1:"):
            source.add("n, p = STEP(b, p - 1)")
        with source.block("else:"):
            source.add("n = (n >> 1) + 1")


@contextmanager
def blocks(source: Source) -> Iterator[None]:
    """Loop over the items of an array or a map, block by block."""
    source.add("n = b[p]", "p += 1")
    with source.block("while n:"):
        with source.block("if n > 127 or n & 1:"):
            source.add("n, p = BLOCK(b, p - 1)")
        with source.block("for _ in range(n >> 1):"):
            yield
        source.add("n = b[p]", "p += 1")


def empty_of(schema: Schema) -> str | None:
    """Return the expression of the value that is the one byte 0 in *schema*; None where there is no such value."""
    if isinstance(schema, list):
        return "None" if schema[0] == "null" else None
    kind = schema["type"] if isinstance(schema, dict) else schema
    return {"array": "[]", "map": "{}"}.get(kind)


def run_length(fields: Sequence[Schema]) -> int:
    """Return how many of the first fields can each be the one byte 0, as the empty cold fields of most records are."""
    for length, field in enumerate(fields):
        if empty_of(field["type"]) is None:
            return length
    return len(fields)


class Skipper:
    """Writes the lines that step over each type; a text that is not UTF-8 is not stepped over.

    What is stepped over is embedded in other records, and whoever reads those would stumble at it.
    """

    def __init__(self, source: Source) -> None:
        """Write into *source*."""
        self._source = source

    def fields(self, fields: Sequence[Schema]) -> None:
        """Step over fields in order; a run of empty ones goes at one look."""
        rest = list(fields)
        while rest:
            length = run_length(rest)
            if length >= LEAST_RUN:
                self._run(rest[:length])
            else:
                self._step(rest[0]["type"])
            rest = rest[length if length >= LEAST_RUN else 1 :]

    def _run(self, fields: Sequence[Schema]) -> None:
        with self._source.block(f"if b[p:p + {len(fields)}] == {bytes(len(fields))!r}:"):
            self._source.add(f"p += {len(fields)}")
        with self._source.block("else:"):
            for field in fields:
                self._step(field["type"])

    def _step(self, schema: Schema) -> None:  # noqa: PLR0911 - one line a type
        if isinstance(schema, list):
            return self._union(schema)
        match schema["type"] if isinstance(schema, dict) else schema:
            case "record":
                return self.fields(schema["fields"])
            case "array":
                return self._blocks(schema["items"])
            case "map":
                return self._blocks("string", schema["values"])
            case "string" | "bytes" as kind:
                step_lines(self._source)
                return self._source.add(*(["b[p + 1:p + n].decode()"] if kind == "string" else []), "p += n")
            case "long" if isinstance(schema, dict):
                return time_lines(self._source, "")
            case "int" | "long":
                return raw_lines(self._source)
            case "boolean":
                return self._one_of({0, 1})
            case "enum":
                return self._one_of(range(0, 2 * len(schema["symbols"]), 2))
            case other:
                raise SchemaUnsupported(f"no way over the type {other}")

    def _one_of(self, allowed: Iterable[int]) -> None:
        with self._source.block(f"if b[p] not in {self._source.constant(frozenset(allowed))}:"):
            self._source.add("raise IndexError")
        self._source.add("p += 1")

    def _blocks(self, *kinds: Schema) -> None:
        with blocks(self._source):
            for kind in kinds:
                self._step(kind)

    def _union(self, branches: Sequence[Schema]) -> None:
        self._source.add("n = b[p]", "p += 1")
        for place, branch in enumerate(branches):
            with self._source.block(f"{'elif' if place else 'if'} n == {place * 2}:"):
                if branch != "null":
                    self._step(branch)
        with self._source.block("else:"):
            self._source.add("raise IndexError")

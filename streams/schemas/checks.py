"""What `ses-streams schemas check` proves, offline, over the files of schemas/: one check after another.

Each check yields a `Finding` for every schema it looked at, good or bad; a bad one says what to do about it. They are
the gate for a changed schema, in CI and on a developer's machine alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastavro import parse_schema
from fastavro.schema import SchemaParseException

from streams.errors import SesStreamsError
from streams.schemas.avsc import Schema, load_head, load_released, read_directory
from streams.schemas.codec import Codec
from streams.schemas.evolution import full_transitive
from streams.schemas.files import schema_home
from streams.schemas.lock import fingerprint_of, read_lock
from streams.schemas.plain import Form
from streams.schemas.shape import full_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says about one schema; *fault* is None where all is well."""

    check: str
    schema: str
    fault: str | None = None


def check_schemas(home: Path | None = None) -> Iterator[Finding]:
    """Yield the findings of every check over *home* (the project's own schemas, if None)."""
    home = schema_home() if home is None else home
    for check in CHECKS:
        found = check(home)
        for schema, faults in found.items():
            word = check.__name__.removesuffix("_faults")
            yield from [Finding(check=word, schema=schema, fault=fault) for fault in faults]
            if not faults:
                yield Finding(check=word, schema=schema)
        if check is parse_faults and any(found.values()):
            return  # the others would fall over what is no schema


Faults = dict[str, list[str]]
"""Schema's full name to its faults; an empty list for one that is as it should be."""


def parse_faults(home: Path) -> Faults:
    """Find files that are no Avro schema, not in their defaults either, or define what they are not named after."""
    faults: Faults = {path.stem: [] for path in sorted(home.glob("*.avsc"))}
    try:
        heads = load_head(home)
    except json.JSONDecodeError as error:
        return faults | {"*.avsc": [f"one is no JSON: {error}"]}
    for name, schema in heads.items():
        try:
            parse_schema(schema)
        except (SchemaParseException, LookupError, TypeError, ValueError) as error:
            faults[name].append(f"is no Avro schema: {error!r}")
            continue
        if full_name(schema, "") != name:
            faults[name].append(f"the file defines {full_name(schema, '')}: name it after that")
    return faults


def docs_faults(home: Path) -> Faults:
    """Find types and fields without a sentence that says what they are."""
    return {
        name: [
            f"{path} has no doc: say in a sentence what it is" for path, part in _parts(schema) if _undocumented(part)
        ]
        for name, schema in read_directory(home).items()
    }


def default_faults(home: Path) -> Faults:
    """Find enums without a default symbol: a new symbol would make a record unreadable for old readers."""
    words = "the enum has no default symbol: old readers need one for new symbols"
    return {
        name: [f"{path}: {words}" for path, part in _parts(schema) if "symbols" in part and "default" not in part]
        for name, schema in read_directory(home).items()
    }


def example_faults(home: Path) -> Faults:
    """Find schemas without an example, and examples that do not come back from the wire as they went."""
    heads = load_head(home)
    faults: Faults = {name: [] for name in heads}
    codec = Codec(heads, dict(enumerate(heads.values(), 1)), None)  # whatever the lock says: that is another check
    for name, schema in heads.items():
        paths = sorted((home / "examples").glob(f"{name}.*.json"))
        if not paths:
            faults[name].append(f"has no example: add examples/{name}.WHAT.json")
        form = Form(name, schema)
        for path in paths:
            example = json.loads(path.read_text("utf-8"))
            try:
                back = form.show(codec.decode(name, codec.encode(name, form.take(example))))
            except SesStreamsError as error:
                faults[name].append(f"{path.name}: {error}")
                continue
            if back != example:
                faults[name].append(f"{path.name} comes back otherwise: write every field, times with .000Z")
    return faults


def lock_faults(home: Path) -> Faults:
    """Find schemas that lock.json does not know as they are, and ids that stand for two things."""
    rows, heads = read_lock(home), load_head(home)
    faults: Faults = {name: [] for name in heads}
    marks = {(row.schema, row.fingerprint) for row in rows}
    free = max(row.id for row in rows) + 1
    for version, schemas in {**load_released(home), "today": heads}.items():
        for name, schema in schemas.items():
            mark = fingerprint_of(schema)
            if (name, mark) not in marks:
                words = f'{version}: add a row with "id": {free}, "fingerprint": "{mark}" (never change a row)'
                faults.setdefault(name, []).append(words)
    for row in rows:
        if sum(other.id == row.id for other in rows) > 1:
            faults.setdefault(row.schema, []).append(f"the id {row.id} is given twice: take {free}")
    return faults


def evolution_faults(home: Path) -> Faults:
    """Find changes after which some version cannot read another: FULL_TRANSITIVE, over all released and today's."""
    everything = {**load_released(home), "today": load_head(home)}
    faults: Faults = {}
    for name in sorted({name for schemas in everything.values() for name in schemas}):
        versions = {version: schemas[name] for version, schemas in everything.items() if name in schemas}
        faults[name] = [
            f"{reader} cannot read {writer}: {clash.path or name} {clash.words}"
            for reader, writer, clash in full_transitive(versions)
        ]
        if "today" not in versions:
            faults[name].append("was released and is gone: consumers still read it, keep the file")
    return faults


CHECKS: tuple[Callable[[Path], Faults], ...] = (
    parse_faults,
    docs_faults,
    default_faults,
    lock_faults,
    evolution_faults,
    example_faults,
)


def _parts(schema: Schema, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, part) for every named type and every field inside *schema*."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _parts(branch, path)
    elif isinstance(schema, dict):
        if "name" in schema:
            yield path or schema["name"], schema
        for field in schema.get("fields", ()):
            yield from _parts(field, f"{path}.{field['name']}".removeprefix("."))
        for inner in (schema.get("type"), schema.get("items"), schema.get("values")):
            yield from _parts(inner, path)


def _undocumented(part: Any) -> bool:
    return not str(part.get("doc", "")).endswith(".")

"""Every example goes to the wire and comes back, and its bytes are those that were once agreed on (golden/*.hex)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.schemas.avsc import load_head, load_released
from streams.schemas.codec import Codec, load_codec
from streams.schemas.files import schema_home
from streams.schemas.lock import read_lock
from streams.schemas.plain import from_plain, to_plain
from streams.topics import ROLES
from tests.schemas.examples import EXAMPLES, schema_of

GOLDEN = Path(__file__).parent / "golden"
CODEC = load_codec()


def golden(path: Path) -> bytes:
    return bytes.fromhex((GOLDEN / f"{path.stem}.hex").read_text("ascii"))


def test_every_schema_has_an_example() -> None:
    assert {schema_of(path) for path in EXAMPLES} == set(load_head())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_comes_back_from_the_wire_as_it_went(path: Path) -> None:
    name, plain = schema_of(path), json.loads(path.read_text("utf-8"))
    assert to_plain(name, CODEC.decode(name, CODEC.encode(name, from_plain(name, plain)))) == plain


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_written_as_the_golden_bytes(path: Path) -> None:
    name = schema_of(path)
    assert CODEC.encode(name, from_plain(name, json.loads(path.read_text("utf-8")))).hex() == golden(path).hex()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_golden_bytes_of_every_release_are_read_today(path: Path) -> None:
    name = schema_of(path)
    assert to_plain(name, CODEC.decode(name, golden(path))) == json.loads(path.read_text("utf-8"))


OLD = [
    (version, path)
    for version in sorted(load_released())
    for path in EXAMPLES
    if schema_of(path) in load_released()[version]
]


@pytest.mark.parametrize(("version", "path"), OLD, ids=lambda part: getattr(part, "stem", part))
def test_an_old_release_reads_what_is_written_today(version: str, path: Path) -> None:
    name, old = schema_of(path), load_released()[version]
    known = dict(enumerate([*old.values(), load_head()[name]], 1))
    reader = Codec(old, known, None)
    today = Codec({name: load_head()[name]}, {max(known): load_head()[name]}, None)
    value = today.encode(name, from_plain(name, json.loads(path.read_text("utf-8"))))
    assert set(reader.decode(name, value)) == {field["name"] for field in old[name]["fields"]}


def test_the_lock_names_the_roles_and_values_that_the_topics_have() -> None:
    assert {row.role: row.schema for row in read_lock()} == {role: spec.value for role, spec in ROLES.items()}


def test_no_registry_gives_out_ids_like_those_of_the_lock() -> None:
    assert all(row.id.to_bytes(4, "big").startswith(b"SES") for row in read_lock())


def test_the_readme_of_the_schemas_names_each_of_them() -> None:
    text = (schema_home() / "README.md").read_text("utf-8")
    assert [name for name in load_head() if name not in text] == []

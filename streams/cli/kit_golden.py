"""What a producer in any language is held against: the exact bytes, key and partitions of values, and hashes of keys.

Made from the schemas' examples by the codec that the workers use, and kept as kit/golden.json, so that a change of
bytes is a change that somebody sees. Avro leaves the order of a map's entries open, and languages shuffle them: a
golden value has one entry a map at most, so that there is one right answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from streams.mail.address import normal_message_id
from streams.partition import murmur2, partitions
from streams.schemas.avsc import Schema, load_head
from streams.schemas.codec import Codec, load_codec
from streams.schemas.files import schema_home
from streams.schemas.plain import from_plain, to_plain
from streams.schemas.shape import full_name
from streams.topics import ROLES

PRODUCED = tuple(role for role, spec in ROLES.items() if "upstream" in spec.written_by)
"""The roles of the topics that other teams write to."""

COUNTS = (4, 12, 48)
"""Numbers of partitions; a power of two alone would hide a hash whose low bits happen to be right."""

LEAST: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "mail.SendRequest": ("simple", ("stream", "to")),
    "mail.Send": ("api", ("stream", "recipients", "from_address")),
    "mail.Feedback": ("delivery", ("recipients",)),
}
"""Of each schema: which example is the least value made from, and what it has beside what has no default."""

_ABOUT = (
    "What the workers of ses-streams write and read, byte for byte. values: a record as `ses-streams --json` shows it"
    " (value), in Avro's own JSON encoding (avro_json), and as it lies on the topic (hex: 0, schema id, Avro body),"
    " with its key and the partition of that key for 4, 12 and 48 partitions. partitioner: keys with their murmur2,"
    " signed as Java has it. Made by `make docs`; maps have one entry at most, because Avro leaves their order open."
)
_KEYS = (
    "",
    "a",
    "ab",
    "abc",
    "abcd",
    "order-4711",
    "ORDER-4711",
    "0100019a1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000",
    "bestellung-übergröße-ß",
    "注文-4711",
    "commande-№-😀",
    "a\u0000b",
    " key with spaces ",
    "x" * 255,
    "long-" * 300,
)


def golden_text() -> str:
    """Return kit/golden.json."""
    codec, heads = load_codec(), load_head()
    parts = {
        "about": _ABOUT,
        "topics": {ROLES[role].value: f"ses.{role}" for role in PRODUCED},
        "values": [_value(codec, heads, *one) for one in _records()],
        "partitioner": [_vector(key) for key in _KEYS],
    }
    return json.dumps(parts, ensure_ascii=False, indent=1) + "\n"


def _records() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (schema, what it is an example of, record), of each schema the least one first."""
    for role in PRODUCED:
        name = ROLES[role].value
        paths = {path.name.split(".")[2]: path for path in sorted((schema_home() / "examples").glob(f"{name}.*.json"))}
        examples = {what: json.loads(path.read_text("utf-8")) for what, path in paths.items()}
        yield name, "least", from_plain(name, _least(name, examples))
        for what, example in examples.items():
            yield name, what, _shortened(from_plain(name, example))


def _least(name: str, examples: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return an example without what has a default, but for what a producer should say all the same."""
    what, also = LEAST[name]
    needed = {field["name"] for field in load_head()[name]["fields"] if "default" not in field}
    return {field: value for field, value in examples[what].items() if field in needed | set(also)}


def _shortened(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with the first entry of each map alone."""
    return {name: dict(list(value.items())[:1]) if isinstance(value, dict) else value for name, value in record.items()}


def _value(codec: Codec, heads: Mapping[str, Schema], name: str, what: str, record: dict[str, Any]) -> dict[str, Any]:
    value, key = codec.encode(name, record), key_of(name, record)
    return {
        "schema": name,
        "example": what,
        "id": int.from_bytes(codec.header(name)[1:], "big"),
        "key": key,
        "partitions": _partitions(key),
        "value": to_plain(name, record),
        "avro_json": _avro_json(heads[name], record),
        "hex": value.hex(),
    }


def _vector(key: str) -> dict[str, Any]:
    hashed = murmur2(key.encode())
    signed = hashed - (1 << 32) if hashed >> 31 else hashed
    return {"key": key, "murmur2": signed, "partitions": _partitions(key)}


def _partitions(key: str) -> dict[str, int]:
    return {str(count): partitions([key.encode()], count)[0] for count in COUNTS}


def key_of(name: str, record: Mapping[str, Any]) -> str:
    """Return the key that a record of one of the produced schemas belongs under."""
    return str(record["request_id"]) if name == "mail.SendRequest" else normal_message_id(record["message_id"])


def _avro_json(schema: Schema, value: Any) -> Any:
    """Return a value in Avro's JSON encoding, where a union names its branch and bytes are a text of code points."""
    if isinstance(schema, list):
        return _branch(schema, value)
    match schema["type"] if isinstance(schema, dict) else schema:
        case "record":
            return {field["name"]: _avro_json(field["type"], value[field["name"]]) for field in schema["fields"]}
        case "array":
            return [_avro_json(schema["items"], item) for item in value]
        case "map":
            return {key: _avro_json(schema["values"], item) for key, item in value.items()}
        case "bytes":
            return value.decode("latin-1")
    return value


def _branch(branches: list[Schema], value: Any) -> Any:
    """Return a value of a union under the name of its branch."""
    if value is None:
        return None
    others = {_branch_name(branch): branch for branch in branches if branch != "null"}
    name, inner = value if isinstance(value, tuple) else (next(iter(others)), value)
    return {name: _avro_json(others[name], inner)}


def _branch_name(branch: Schema) -> str:
    if isinstance(branch, str):
        return branch
    return full_name(branch, "mail") if "name" in branch else str(branch["type"])

"""Avro records on the wire, read and written by the schema files alone: the contract, and nothing of the product.

The checker must not believe what the product's own codec says. So this is fastavro, the files of schemas/, and the
ids of its lock.json. Times stay ms since the epoch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import load_schema

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
HEADER = 5
"""Bytes before the body: a zero, and four of schema id."""

NAMES = {
    "sends": "mail.Send",
    "feedback": "mail.Feedback",
    "outcomes": "mail.Outcome",
    "suppressions": "mail.Suppression",
    "retries": "mail.Retry",
    "dead-letters": "mail.DeadLetter",
    "send-requests": "mail.SendRequest",
}
"""What lies on which topic, as far as it is written or checked here."""


class Wire:
    """Reads and writes records by role."""

    def __init__(self, home: Path = SCHEMAS) -> None:
        """Read the schemas and their ids."""
        rows = json.loads((home / "lock.json").read_text("utf-8"))["schemas"]
        ids = {row["schema"]: int(row["id"]) for row in rows}  # rows are only added: the last one is today's
        self._schemas = {role: _plain(home / f"{name}.avsc") for role, name in NAMES.items()}
        self._heads = {role: b"\0" + ids[name].to_bytes(4, "big") for role, name in NAMES.items()}

    def encode(self, role: str, record: Mapping[str, Any]) -> bytes:
        """Return the wire's bytes of *record*; fields with a default may be missing."""
        body = BytesIO()
        schemaless_writer(body, self._schemas[role], dict(record))
        return self._heads[role] + body.getvalue()

    def decode(self, role: str, value: bytes) -> dict[str, Any]:
        """Return the record in *value*.

        Raises:
            ValueError: it was written by another schema than today's, or is more than one record.
        """
        if value[:HEADER] != self._heads[role]:
            raise ValueError(f"{role}: begins with {value[:HEADER].hex()}")
        body = BytesIO(value[HEADER:])
        record = schemaless_reader(body, self._schemas[role], None)
        if body.read(1) or not isinstance(record, dict):
            raise ValueError(f"{role}: bytes behind the record")
        return record


def _plain(path: Path) -> Any:
    """Return a schema, ready for use, whose times are numbers."""
    return parse_schema(_without_logic(load_schema(str(path), _write_hint=False)))


def _without_logic(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logic(branch) for branch in schema]
    if isinstance(schema, dict):
        return {word: _without_logic(said) for word, said in schema.items() if word not in _WORDS}
    return schema


_WORDS = {"logicalType", "__fastavro_parsed__", "__named_schemas"}

"""The lock: which schema, in which version, has which id; so that everything runs without a registry.

A fingerprint is CRC-64-AVRO (the Avro specification's Rabin fingerprint) of the parsing canonical form of the schema
with its references written out: equal fingerprints mean equal bytes on the wire. So an id stands for one form of the
bytes for ever, and a changed `mail.Send` gives `mail.Outcome`, which embeds it, a new id too.

Ids are the letters SES and a number (0x53455301 and on; a value begins with `00 53 45 53`): no registry counts that
far, so records written without a registry stay readable beside one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fastavro.schema import fingerprint, to_parsing_canonical_form

from streams.schemas.avsc import Schema, bare
from streams.schemas.files import schema_home

FIRST_ID = 0x53455301


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One version of one schema: *schema* is the full name, *role* the topic's role, *id* the wire's schema id."""

    schema: str
    version: str
    role: str
    subject: str
    id: int
    fingerprint: str


def read_lock(home: Path | None = None) -> list[Locked]:
    """Return the rows of lock.json, oldest version first."""
    path = (schema_home() if home is None else home) / "lock.json"
    return [Locked(**row) for row in json.loads(path.read_text("utf-8"))["schemas"]]


def fingerprint_of(schema: Schema) -> str:
    """Return the CRC-64-AVRO fingerprint of a self-contained schema, 16 hex digits."""
    return str(fingerprint(to_parsing_canonical_form(bare(schema)), "CRC-64-AVRO"))

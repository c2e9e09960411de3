"""The records of the join for the peers in Python: fastavro, and the rules of README.md. Nothing of a tool.

Times stay whole milliseconds (logical types are left out of the schemas), and a record inside a union is named, both
as fastavro's page on writing teaches: the one spares objects, the other a search.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

Record = dict[str, Any]
HEADER = 5
"""Bytes of the Confluent wire format: a zero, and the schema's id."""
DIGITS = 32
KINDS = {
    "DELIVERY": "DELIVERED",
    "OPEN": "OPENED",
    "CLICK": "CLICKED",
    "REJECT": "REJECTED",
    "DELIVERY_DELAY": "DELAYED",
    "COMPLAINT": "COMPLAINED",
}
REASONS = {"HARD_BOUNCED": "HARD_BOUNCE", "COMPLAINED": "COMPLAINT"}


class Wire:
    """One schema: records to and from the Confluent wire format."""

    def __init__(self, schema: Any, number: int) -> None:
        self._schema = schema
        self._header = b"\0" + number.to_bytes(4, "big")

    def decode(self, value: bytes) -> Record:
        """Return the record, decoded whole."""
        source = BytesIO(value)
        source.seek(HEADER)
        record: Record = schemaless_reader(source, self._schema, None)  # type: ignore[assignment] # a record, by its schema
        return record

    def encode(self, record: Record) -> bytes:
        """Return the bytes."""
        target = BytesIO()
        target.write(self._header)
        schemaless_writer(target, self._schema, record)
        return target.getvalue()


class Wires:
    """The four schemas of the join, from the directory that `BENCH_SCHEMAS` names."""

    def __init__(self, schemas: str) -> None:
        self._home = Path(schemas)
        lock = json.loads((self._home / "lock.json").read_text())
        self._ids = {row["schema"]: row["id"] for row in lock["schemas"]}
        self._known: dict[str, Any] = {}
        self.send = self._wire("mail.Send")
        self.feedback = self._wire("mail.Feedback")
        self.outcome = self._wire("mail.Outcome")  # refers to the two before it
        self.suppression = self._wire("mail.Suppression")

    def _wire(self, name: str) -> Wire:
        text = json.loads((self._home / f"{name}.avsc").read_text())
        return Wire(parse_schema(_plain(text), named_schemas=self._known), self._ids[name])


def outcomes_of(event: Record, send: Record | None) -> Iterator[Record]:
    """Yield an outcome for each recipient of an event."""
    kind = kind_of(event)
    at, recipients = event["occurred_at"], event["recipients"]
    shared = {
        "kind": kind,
        "occurred_at": at,
        "certain": kind != "COMPLAINED" or len(recipients) == 1,
        "matched": send is not None,
        "message_id": event["message_id"],
        "feedback": ("mail.Feedback", event),
    }
    if send is not None:
        shared |= {"stream": send["stream"], "attempt": send["attempt"], "request_id": send["request_id"]}
        shared |= {"latency_ms": at - send["sent_at"], "send": ("mail.Send", send)}
    for one in recipients:
        address = one["address"]
        digest = sha256(f"{event['feedback_id']}/{address}".encode()).hexdigest()[:DIGITS]
        yield {**shared, "recipient": address, "outcome_id": digest, "status": one["status"]}


def suppressions_of(event: Record) -> Iterator[Record]:
    """Yield a suppression for each recipient of a permanent bounce or of a complaint."""
    kind = kind_of(event)
    reason = REASONS.get(kind)
    if reason is None:
        return
    for one in event["recipients"]:
        because = {"message_id": event["message_id"], "kind": kind, "status": one["status"], "at": event["occurred_at"]}
        yield {
            "recipient": one["address"],
            "reason": reason,
            "scope": "*",
            "since": event["occurred_at"],
            "evidence": [because],
            "by": "ses-streams",
        }


def kind_of(event: Record) -> str:
    """Return the kind of outcome that an event makes."""
    if event["kind"] == "BOUNCE":
        return "HARD_BOUNCED" if event["bounce_type"] == "Permanent" else "SOFT_BOUNCED"
    return KINDS[event["kind"]]


def _plain(schema: Any) -> Any:
    """Return a schema without logical types."""
    if isinstance(schema, dict):
        return {name: _plain(part) for name, part in schema.items() if name != "logicalType"}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema

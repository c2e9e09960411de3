"""Builders of facts for tests: each gives a believable record, and takes only what the test is about."""

from __future__ import annotations

from hashlib import md5
from typing import Any

from streams.mail.policy import DAY, HOUR, Policy
from streams.mail.records import OutcomeRecord
from streams.pipeline import Chunk, Effects, Hop
from streams.schemas.codec import Codec, load_codec
from streams.state.memory import MemoryTable

NOON = 1_790_000_000_000
"""A day in September 2026, in ms since the epoch."""

CODEC: Codec = load_codec()
POLICY = Policy()

MINUTE = 60_000

__all__ = [
    "CODEC",
    "DAY",
    "HOUR",
    "MINUTE",
    "NOON",
    "POLICY",
    "Bench",
    "bounce",
    "event",
    "instruction",
    "of",
    "outcome",
    "reply",
    "send",
    "soft",
]


def send(message_id: str = "m-1", **fields: Any) -> dict[str, Any]:
    """Return a mail.Send."""
    return {
        "sent_at": NOON,
        "message_id": message_id,
        "stream": "receipts",
        "request_id": f"r-{message_id}",
        "recipients": ["ann@example.com"],
        "from_address": "shop@example.net",
        "via": "API",
        **fields,
    }


def event(kind: str, message_id: str = "m-1", *to: str, **fields: Any) -> dict[str, Any]:
    """Return a mail.Feedback about *to* (Ann, unless somebody is named)."""
    recipients = [_recipient(one) for one in to or ("ann@example.com",)]
    at = fields.pop("occurred_at", NOON + 2_000)
    return {
        "kind": kind,
        "occurred_at": at,
        "feedback_id": f"{message_id}-{kind}-{at}",
        "message_id": message_id,
        "recipients": recipients,
        "raw": "{}",
        **fields,
    }


def _recipient(address: str) -> dict[str, Any]:
    """Return a recipient without a DSN."""
    return {"address": address, "status": None, "action": None, "diagnostic": None, "written": None}


def bounce(bounce_type: str, subtype: str, status: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a bounce of one recipient, with a DSN where a status is given."""
    made = event("BOUNCE", **{"bounce_type": bounce_type, "bounce_subtype": subtype, **fields})
    if status is not None:
        for recipient in made["recipients"]:
            recipient.update(status=status, action="failed", diagnostic=f"smtp; 550 {status} no")
    return made


def outcome(kind: str, at: int = NOON, message_id: str | None = "m-1", **fields: Any) -> OutcomeRecord:
    """Return the own fields of a mail.Outcome about Ann."""
    made: OutcomeRecord = {
        "kind": kind,
        "occurred_at": at,
        "certain": True,
        "matched": True,
        "recipient": "ann@example.com",
        "outcome_id": md5(f"{kind} {at} {message_id}".encode(), usedforsecurity=False).hexdigest(),
        "message_id": message_id,
        "reason": "",
        "status": None,
        "stream": "receipts",
        "request_id": None,
        "attempt": 1,
        "latency_ms": None,
        "written": None,
    }
    return {**made, **fields}  # type: ignore[typeddict-item,unused-ignore]  # a test overrides fields by their names


def soft(request_id: str, attempt: int = 1, at: int = NOON, subtype: str = "General", **fields: Any) -> OutcomeRecord:
    """Return a soft bounce of one attempt of a request to Ann; its message is named for both."""
    message_id = fields.pop("message_id", f"m-{request_id}-{attempt}")
    reason = f"Undetermined/{subtype}" if subtype == "Undetermined" else f"Transient/{subtype}"
    fields = {"reason": reason, **fields}
    return outcome("SOFT_BOUNCED", at, message_id, request_id=request_id, attempt=attempt, **fields)


def of(kind: str, request_id: str, attempt: int = 1, at: int = NOON + HOUR, **fields: Any) -> OutcomeRecord:
    """Return what else became of one attempt of a request to Ann."""
    message_id = fields.pop("message_id", f"m-{request_id}-{attempt}")
    return outcome(kind, at, message_id, request_id=request_id, attempt=attempt, **fields)


def reply(message_id: str, at: int = NOON, *, local: str = "desk@example.org", **fields: Any) -> dict[str, Any]:
    """Return an auto-reply of Ann's to a mail of ours, with the Send that says from whom it was."""
    in_reply_to = fields.pop("in_reply_to", None)
    own = outcome("AUTO_REPLIED", at, message_id, **fields)
    return {**own, "send": send(message_id, from_address=local, in_reply_to=in_reply_to)}


def instruction(action: str, at: int = NOON, **fields: Any) -> dict[str, Any]:
    """Return an operator's word about Ann."""
    return {"recipient": "ann@example.com", "action": action, "at": at, "by": "Ines", **fields}


class Bench:
    """A hop on a workbench: a table in memory, and everything that it has emitted."""

    def __init__(self, hop: Hop) -> None:
        """Begin with an empty table."""
        self.hop = hop
        self.table = MemoryTable()
        self.emitted: list[tuple[str, bytes, bytes | None]] = []
        self.counts: dict[tuple[str, ...], int] = {}

    def work(self, topic: str, values: list[bytes | None], now: int = NOON) -> Effects:
        """Let the hop work on one chunk."""
        keys: list[bytes | None] = [b"k"] * len(values)
        chunk = Chunk(topic=topic, partition=0, keys=keys, values=values, offsets=range(len(values)))
        return self._keep(self.hop.work(chunk, self.table.recall, now))

    def pass_time(self, until: int) -> None:
        """Fire the timers up to *until*, in order."""
        while (due := self.table.next_due()) is not None and due <= until:
            self._keep(self.hop.wake(self.table.take_due(), self.table.recall, due))

    def read(self, topic: str, name: str) -> list[dict[str, Any]]:
        """Return what was emitted on a topic, decoded."""
        return [CODEC.decode(name, v) for t, _, v in self.emitted if t == topic and v is not None]

    def _keep(self, effects: Effects) -> Effects:
        """Keep what the hop wants kept."""
        self.table.apply(effects)
        for topic, batch in effects.outputs.items():
            self.emitted += [(topic, k, v) for k, v in zip(batch.keys, batch.values, strict=True)]
        for key, count in effects.counts.items():
            self.counts[key] = self.counts.get(key, 0) + count
        return effects

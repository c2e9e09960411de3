"""Where an item goes: its topic, its key and its bytes. What was read is not judged here, and nothing is sent."""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.emit.records import dead_letter_record, feedback_record
from streams.intake.files import Item
from streams.mail.address import normal_message_id
from streams.schemas.codec import Codec

POSTED = {"mail.Send": "sends", "mail.Feedback": "feedback", "mail.DeadLetter": "dead-letters"}
"""The records that intake may write, and the role of their topic."""


class Named(NamedTuple):
    """What came of an item, as a record: its schema's full name, and the record."""

    name: str
    record: dict[str, Any]


class Post(NamedTuple):
    """One record for a topic; *role* is a role of streams.topics."""

    role: str
    key: bytes | None
    value: bytes


def named(item: Item) -> Named:
    """Return what came of an item as a record."""
    if item.feedback is not None:
        return Named("mail.Feedback", feedback_record(item.feedback))
    if item.dead is not None:
        return Named("mail.DeadLetter", dead_letter_record(item.dead))
    if item.record is None:
        raise ValueError("an item holds something")
    return Named(*item.record)


def address(found: Named, codec: Codec) -> Post:
    """Return the record as it goes to its topic, keyed by message id; a dead letter has the key it came with: none."""
    message_id = found.record.get("message_id")
    key = None if message_id is None else normal_message_id(message_id).encode()
    return Post(POSTED[found.name], key, codec.encode(found.name, found.record))

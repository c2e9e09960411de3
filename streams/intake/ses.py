"""One SES event, as JSON, to one `Feedback`.

Both formats of SES: event publishing (`eventType`) and the older feedback notifications (`notificationType`), which
differ in little else. Only mail.messageId is demanded; anything else may be missing, null, empty or of another type.
Types and sub-types stay text as SES wrote them. The table of names is kinds.py; no rule about mail lives here.
"""

from __future__ import annotations

import re
from typing import Any

from streams.errors import Unusable
from streams.intake.fields import headers, lists_of_text, mapping, text, word
from streams.intake.kinds import PARTS, SHAPES, Shape
from streams.intake.recipients import read_recipients
from streams.intake.times import read_time, time_or_none
from streams.mail.address import normal_message_id
from streams.mail.deadletter import DeadReason
from streams.mail.feedback import Feedback, FeedbackKind, FeedbackRecipient
from streams.mail.identity import derived_id

UNKNOWN_TIME = 0
"""What occurred_at says where neither the event nor its mail nor an envelope has a time: 1970, never the clock."""

_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def read_event(event: dict[str, Any], raw: str, posted_at: int | None = None) -> Feedback:
    """Return what an SES event says.

    Args:
        event: the event, parsed.
        raw: its JSON as SES sent it; kept beside the facts.
        posted_at: the time of its envelope, ms since the epoch; counts only where the event and its mail have none.

    Raises:
        Unusable: NO_MESSAGE_ID, or BAD_TIME where the event's time is there and cannot be read.

    """
    mail = mapping(event.get("mail"))
    message_id = normal_message_id(word(mail.get("messageId")) or "")
    if not message_id:
        raise Unusable(DeadReason.NO_MESSAGE_ID, "mail.messageId is missing or empty")
    written, shape = _kind(event)
    part = mapping(event.get(shape.part)) if shape.part else _part_with_a_time(event)
    own_at = _own_time(part, mail)
    destination = read_recipients(mail.get("destination"))
    listed = None if shape.recipients is None else read_recipients(part.get(shape.recipients))
    facts: dict[str, Any] = {fact.field: fact.read(part.get(fact.name) if fact.name else part) for fact in shape.facts}
    if shape.kind is FeedbackKind.UNKNOWN:
        facts["reason"] = written
    return Feedback(
        kind=shape.kind,
        occurred_at=_first_known(own_at, posted_at, UNKNOWN_TIME),
        feedback_id=word(part.get("feedbackId")) or _id(message_id, shape, own_at, listed, facts),
        message_id=message_id,
        recipients=destination if listed is None else listed,
        source=text(mail.get("source")),
        destination=tuple(recipient.address for recipient in destination),
        sent_at=time_or_none(mail.get("timestamp")),
        tags=lists_of_text(mail.get("tags")),
        headers=headers(mail.get("headers")),
        raw=raw,
        **facts,
    )


def _kind(event: dict[str, Any]) -> tuple[str | None, Shape]:
    """Return SES's word for the kind and how it writes that kind; without a word, the facts' own name tells."""
    written = word(event.get("eventType")) or word(event.get("notificationType"))
    if written is None:
        return None, next((PARTS[name] for name in event if name in PARTS), _UNKNOWN)
    return written, SHAPES.get(_BETWEEN_WORDS.sub("", written).lower(), _UNKNOWN)


_UNKNOWN = Shape(FeedbackKind.UNKNOWN, "", None, (), ("reason",))
"""A type that SES added since. `Received`, inbound mail, is read by received.py; letters.py tells the two apart."""


def _part_with_a_time(event: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of an event of unknown type: the object with a timestamp beside `mail`, if there is one."""
    parts = (mapping(value) for name, value in event.items() if name != "mail")
    return next((part for part in parts if text(part.get("timestamp")) is not None), {})


def _own_time(part: dict[str, Any], mail: dict[str, Any]) -> int | None:
    """Return when it happened, as the event itself says; a Send, Reject or Rendering Failure happens with its mail.

    Raises:
        Unusable: BAD_TIME: a time is written there that nobody can read.

    """
    written = text(part.get("timestamp")) or text(mail.get("timestamp"))
    if written is None:
        return None
    try:
        return read_time(written)
    except (ValueError, OverflowError):
        raise Unusable(DeadReason.BAD_TIME, "the event's timestamp is not an ISO 8601 time") from None


def _first_known(*times: int | None) -> int:
    """Return the first time that is known."""
    return next(at for at in times if at is not None)


def _id(
    message_id: str,
    shape: Shape,
    own_at: int | None,
    listed: tuple[FeedbackRecipient, ...] | None,
    facts: dict[str, Any],
) -> str:
    """Return the name of an event to which SES gave none."""
    at = UNKNOWN_TIME if own_at is None else own_at
    said = [facts.get(name) or "" for name in shape.apart]
    named = sorted(recipient.address for recipient in listed or ())
    return derived_id(message_id, shape.kind, at, *said, *named)

"""From the bytes of one item to the SES events inside, whatever they came wrapped in.

SNS (over HTTP, in Lambda's Records, in SQS), SQS (wrapped and raw, from Lambda and from ReceiveMessage), EventBridge,
S3's events, arrays, rows of one column, our own `{"received": {...}}` around mail that SES received, and none at all;
envelopes nest, so peeling goes on until an event is found. Confirmations, SES's first plain-text message and
EventBridge's news about the account hold no event and give nothing. Signatures are not checked here: that is for
whoever took the item from an untrusted sender.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.errors import Unusable
from streams.intake.fields import mapping, text, word
from streams.intake.jsontext import dump, parse, whole_text
from streams.intake.pointers import Pointer, is_by_s3, new_object
from streams.intake.times import time_or_none
from streams.mail.deadletter import DeadReason

_WELCOME = "Successfully validated SNS topic for Amazon SES"
_SUBSCRIBED = "AmazonSnsSubscriptionSucceeded"  # what SES says first to the topic of an identity
_DEEPEST = 16  # EventBridge in SNS in SQS in Lambda's Records is 4


class Letter(NamedTuple):
    """One SES event out of its envelopes.

    raw: the JSON as SES sent it; where the envelope holds the event as an object (EventBridge), the same written anew.
    posted_at: the time of the innermost envelope that has one, ms since the epoch.
    """

    event: dict[str, Any]
    raw: str
    posted_at: int | None = None


class Torn(NamedTuple):
    """A part of an item that cannot be read; *value* is that part alone, its neighbours are not concerned.

    pointer: where what it is about can be read, if it only names that.
    """

    why: Unusable
    value: bytes
    pointer: Pointer | None = None


def open_envelopes(item: bytes | str | dict[str, Any], value: object = None) -> list[Letter | Torn]:
    """Return what *item* holds: nothing for a confirmation, several for a batch.

    Args:
        item: the item as it came, or already parsed.
        value: the item parsed, where the caller has that too; saves parsing it again.

    """
    if isinstance(item, dict):
        return list(_peel(item, None, None, 0))
    return list(_peel_text(item, None, 0) if value is None else _peel(value, item, None, 0))


def _peel_text(data: bytes | str, posted_at: int | None, depth: int) -> Iterator[Letter | Torn]:
    """Peel text: JSON, or words that SES says once."""
    if _is_welcome(data):
        return
    try:
        value = parse(data)
    except Unusable as why:
        yield Torn(why, _bytes(data))
        return
    yield from _peel(value, data, posted_at, depth)


def _peel(value: object, data: bytes | str | None, posted_at: int | None, depth: int) -> Iterator[Letter | Torn]:
    """Peel a JSON value; *data* is its text, where it had one."""
    if depth > _DEEPEST:
        yield Torn(Unusable(DeadReason.NOT_AN_EVENT, "too many envelopes"), _original(value, data))
    elif isinstance(value, str):
        yield from _peel_text(value, posted_at, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _peel(part, None, posted_at, depth + 1)
    elif not isinstance(value, dict):
        yield Torn(Unusable(DeadReason.NOT_AN_EVENT, "not a JSON object"), _original(value, data))
    elif is_event(value):
        yield from _letter(value, data, posted_at)
    else:
        yield from _peel_envelope(value, data, posted_at, depth + 1)


def is_event(value: dict[str, Any]) -> bool:
    """Return True for what SES itself writes, as against what others wrap around it."""
    return "mail" in value or "eventType" in value or "notificationType" in value


def _letter(event: dict[str, Any], data: bytes | str | None, posted_at: int | None) -> Iterator[Letter | Torn]:
    """Hand over an event with its text."""
    if event.get("notificationType") == _SUBSCRIBED:
        return
    try:
        raw = dump(event) if data is None else _text(data)
    except Unusable as why:
        yield Torn(why, b"")
        return
    yield Letter(event, raw, posted_at)


def _peel_envelope(
    outer: dict[str, Any], data: bytes | str | None, posted_at: int | None, depth: int
) -> Iterator[Letter | Torn]:
    """Peel one envelope, known by what it calls its content."""
    if "Message" in outer:
        if not _is_confirmation(outer):
            yield from _peel(outer["Message"], None, _later(outer.get("Timestamp"), posted_at), depth)
    elif is_by_s3(outer):
        yield from _by_s3(outer, data)
    elif "detail" in outer:
        yield from _peel_eventbridge(outer, data, posted_at, depth)
    elif isinstance(outer.get("received"), dict):
        yield from _peel({"notificationType": "Received", **outer["received"]}, None, posted_at, depth)
    else:
        for name in ("Sns", "body", "Body", "ses", "Records", "Messages"):
            if name in outer:
                yield from _peel(outer[name], None, posted_at, depth)
                return
        yield from _row(outer, data, posted_at, depth)


def _row(outer: dict[str, Any], data: bytes | str | None, posted_at: int | None, depth: int) -> Iterator[Letter | Torn]:
    """Peel a row of a table with one column, the event as text: what Athena unloads."""
    (only, *others) = outer.values() or (None,)
    if not others and isinstance(only, str) and only.lstrip().startswith("{"):
        yield from _peel(only, None, posted_at, depth)
    else:
        yield Torn(Unusable(DeadReason.NOT_AN_EVENT, "neither an SES event nor an envelope"), _original(outer, data))


def _peel_eventbridge(
    outer: dict[str, Any], data: bytes | str | None, posted_at: int | None, depth: int
) -> Iterator[Letter | Torn]:
    """Peel EventBridge; SES also reports on the account that way (Sending Status, Advisor): that is no mail event."""
    if is_event(mapping(outer["detail"])):
        yield from _peel(outer["detail"], None, _later(outer.get("time"), posted_at), depth)
    elif outer.get("source") != "aws.ses" or (word(outer.get("detail-type")) or "").lower().startswith("email "):
        yield Torn(Unusable(DeadReason.NOT_AN_EVENT, "EventBridge, without an SES event"), _original(outer, data))


def _by_s3(outer: dict[str, Any], data: bytes | str | None) -> Iterator[Torn]:
    """Hand over where a new object is; a test, and news of anything else, is no event."""
    pointer = new_object(outer)
    if pointer is not None:
        why = Unusable(DeadReason.NOT_AN_EVENT, "it names an object in S3; see intake.objects.buckets")
        yield Torn(why, _original(outer, data), pointer)


def _is_confirmation(outer: dict[str, Any]) -> bool:
    """Return True for SNS's SubscriptionConfirmation and UnsubscribeConfirmation."""
    return (word(outer.get("Type")) or "").lower().endswith("confirmation") or text(
        outer.get("SubscribeURL")
    ) is not None


def _is_welcome(data: bytes | str) -> bool:
    """Return True for what SES writes first to a new destination."""
    start = data.lstrip()[: len(_WELCOME)]
    return start == _WELCOME.encode() if isinstance(start, bytes) else start == _WELCOME


def _later(written: object, posted_at: int | None) -> int | None:
    """Return the time of this envelope, or of the one around it."""
    at = time_or_none(written)
    return posted_at if at is None else at


def _text(data: bytes | str) -> str:
    """Return text without the line end that SES puts after an event; it has been parsed, so it is UTF-8."""
    return (data.decode() if isinstance(data, bytes) else whole_text(data)).strip()


def _bytes(data: bytes | str) -> bytes:
    """Return text as bytes."""
    return data if isinstance(data, bytes) else data.encode("utf-8", "replace")


def _original(value: object, data: bytes | str | None) -> bytes:
    """Return the bytes of a part, as it came where its text is known."""
    if data is not None:
        return _bytes(data)
    try:
        return dump(value).encode()
    except Unusable:
        return b""

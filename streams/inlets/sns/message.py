"""From the bytes of a post to an SNS message of the right form, or why it is none. Whose it is, nobody knows yet.

Only fields that the signature covers are kept: what is not signed (MessageAttributes, UnsubscribeURL, a Token on a
notification) can be put there by anybody. Of the fields only Message may hold a line break; the others cannot, so that
the text which is signed can be cut into fields in one way alone (see canonical.py).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn

from streams.inlets.sns.refusal import Refusal
from streams.intake.times import time_or_none


class Kind(StrEnum):
    """What SNS says, by the word of its field Type."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED: dict[Kind, tuple[str, ...]] = {
    Kind.NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    Kind.SUBSCRIPTION: _CONFIRMATION,
    Kind.UNSUBSCRIPTION: _CONFIRMATION,
}
"""What the signature of each kind covers, in the order in which it is signed."""

_MAY_MISS = frozenset({"Subject"})
_KINDS = {kind.value: kind for kind in Kind}
_ONE_LINE = re.compile(r"[^\r\n]*")
_FORMS = {
    "Message": re.compile(r"(?s).*"),
    "MessageId": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "Timestamp": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z"),
    "Token": re.compile(r"[0-9A-Za-z]{1,1024}"),
}
_HEADERS = {
    "x-amz-sns-message-type": "Type",
    "x-amz-sns-message-id": "MessageId",
    "x-amz-sns-topic-arn": "TopicArn",
}
_RAW = "x-amz-sns-rawdelivery"
_LONGEST_SIGNATURE = 2048  # RSA of 8192 bits is 1368 letters of base64


class Message(NamedTuple):
    """A message of the right form. *sent_at* is ms since the epoch; *fields* are those that the signature covers."""

    kind: Kind
    fields: dict[str, str]
    sent_at: int
    version: str
    signature: bytes
    certificate_url: str


def read_message(body: bytes, headers: Mapping[str, str], most: int) -> Message | Refusal:
    """Return the message that a post holds, if it has the form of one and at most *most* bytes."""
    if len(body) > most:
        return Refusal.TOO_LARGE
    said = [(name.lower(), value) for name, value in headers.items()]
    if any(name == _RAW and value.strip().lower() == "true" for name, value in said):
        return Refusal.UNSIGNED
    outer = _parse(body)
    if outer is None:
        return Refusal.NOT_JSON
    found = _read(outer)
    if isinstance(found, Message) and any(
        name in _HEADERS and value != found.fields[_HEADERS[name]] for name, value in said
    ):
        return Refusal.HEADER_MISMATCH
    return found


def _read(outer: dict[str, Any]) -> Message | Refusal:
    """Return the message, if every field is there and has its form."""
    word = outer.get("Type")
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        return Refusal.NOT_SNS
    if "Signature" not in outer:
        return Refusal.UNSIGNED
    fields = {name: outer[name] for name in SIGNED[kind] if not _is_missing(name, outer)}
    sent_at = time_or_none(fields.get("Timestamp"))
    version, url = outer.get("SignatureVersion"), outer.get("SigningCertURL")
    signature = _signature(outer["Signature"])
    if sent_at is None or signature is None or not isinstance(version, str) or not isinstance(url, str):
        return Refusal.NOT_SNS
    if not _MAY_MISS.issuperset(set(SIGNED[kind]) - set(fields)):
        return Refusal.NOT_SNS
    if not all(isinstance(value, str) and _has_its_form(name, value) for name, value in fields.items()):
        return Refusal.NOT_SNS
    return Message(kind, fields, sent_at, version, signature, url)


def _is_missing(name: str, outer: dict[str, Any]) -> bool:
    """Tell whether a field is not there; a subject that is null is none."""
    return name not in outer or (name in _MAY_MISS and outer[name] is None)


def _has_its_form(name: str, value: str) -> bool:
    """Tell whether a field's text is what SNS writes there, and can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:  # half an emoji: what SNS signed in its stead cannot be known
        return False
    return _FORMS.get(name, _ONE_LINE).fullmatch(value) is not None


def _signature(written: object) -> bytes | None:
    """Return a signature's bytes."""
    if not isinstance(written, str) or not 0 < len(written) <= _LONGEST_SIGNATURE:
        return None
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        return None


def _parse(body: bytes) -> dict[str, Any] | None:
    """Return the one JSON object that a body is; None for anything else, and where a name is there twice."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's fields; whoever read the body after us might take the other of two."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name twice")
    return fields


def _no_number(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(word)

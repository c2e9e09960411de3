"""From a record's bytes to what dispatch asks the rules about, and from a stored request to the letter that goes out.

Only the hot part of a request is read to decide about it; the whole of it when it goes out. Addresses are compared in
normal form, and written as the request wrote them. What cannot be read raises Unusable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from streams.errors import Unusable
from streams.mail.address import normal_address, normal_message_id
from streams.mail.deadletter import DeadReason
from streams.mail.letter import Content, Letter, Raw, Simple, Template
from streams.mail.request import EVERYONE, Try
from streams.mail.tagging import ATTEMPT_TAG, REQUEST_TAG, STREAM_TAG, tag_of
from streams.mail.time import is_time
from streams.schemas.codec import Codec

_ATTEMPTS = range(1, 1 << 31)


class SaidRequest(NamedTuple):
    """A SendRequest: the table's key, its attempt, and the record in our own schema version."""

    key: bytes
    attempt: int
    record: bytes


class SaidRetry(NamedTuple):
    """A Retry: one recipient (normal form) of a request is to be sent to again."""

    key: bytes
    attempt: int
    recipient: str
    due_at: int


class SaidSettlement(NamedTuple):
    """What SES's events say about a request; addresses and message id in normal form."""

    key: bytes
    kind: str
    at: int
    attempt: int
    recipient: str
    message_id: str | None
    recipients: tuple[str, ...]


class Mail(NamedTuple):
    """What decides whether a request may go; *recipients* are all of them, each once, in normal form."""

    request_id: str
    stream: str
    not_before: int | None
    expires_at: int | None
    recipients: tuple[str, ...]
    in_reply_to: str | None


class Reading:
    """Reads the records of dispatch."""

    def __init__(self, codec: Codec) -> None:
        """Prepare a reader for each depth to which a request is read."""
        self._codec = codec
        # rest: a request is kept and sent later, so it must be whole now
        self._request = codec.prefix_reader("mail.SendRequest", "in_reply_to", rest=True)
        self._mail = codec.prefix_reader("mail.SendRequest", "in_reply_to")

    def request(self, value: bytes | None) -> SaidRequest:
        """Return a SendRequest."""
        name = "mail.SendRequest"
        own = self._codec.own(name, _some(name, value))
        record: Any = self._request(own)
        for field in ("requested_at", "not_before", "expires_at"):
            _check_time(name, field, record[field])
        return SaidRequest(_key(name, record), _attempt(name, record), own)

    def retry(self, value: bytes | None) -> SaidRetry:
        """Return a Retry."""
        name = "mail.Retry"
        record = self._codec.decode(name, _some(name, value))
        _check_time(name, "due_at", record["due_at"])
        recipient = normal_address(record["recipient"])
        if recipient == EVERYONE:
            raise Unusable(DeadReason.WRONG_TYPE, f"{name}: recipient is empty")
        return SaidRetry(_key(name, record), _attempt(name, record), recipient, record["due_at"])

    def settlement(self, value: bytes | None) -> SaidSettlement:
        """Return a Settlement."""
        name = "mail.Settlement"
        record = self._codec.decode(name, _some(name, value))
        _check_time(name, "at", record["at"])
        message_id = record["message_id"]
        return SaidSettlement(
            key=_key(name, record),
            kind=record["kind"],
            at=record["at"],
            attempt=_attempt(name, record),
            recipient=normal_address(record["recipient"]),
            message_id=normal_message_id(message_id) if message_id else None,
            recipients=tuple(map(normal_address, record["recipients"])),
        )

    def mail(self, record: bytes) -> Mail:
        """Return the hot part of a stored SendRequest."""
        read: Any = self._mail(record)
        written = (*read["to"], *read["cc"], *read["bcc"])
        return Mail(
            request_id=read["request_id"],
            stream=read["stream"],
            not_before=read["not_before"],
            expires_at=read["expires_at"],
            recipients=tuple(dict.fromkeys(map(normal_address, written))),
            in_reply_to=read["in_reply_to"],
        )

    def letter(self, record: bytes, one: Try, goes: Collection[str]) -> Letter:
        """Return the letter of a try to those of its recipients who are in *goes* (normal form).

        Who gets it alone stands in To, whatever the request put them in: nobody else is to be seen.
        """
        read = self._codec.decode("mail.SendRequest", record)
        to, cc, bcc = _addressed([read["to"], read["cc"], read["bcc"]], goes)
        if one.to != EVERYONE:
            to, cc, bcc = (*to, *cc, *bcc), (), ()
        return Letter(
            request_id=read["request_id"],
            attempt=one.attempt,
            stream=read["stream"],
            from_address=read["from_address"],
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=tuple(read["reply_to"]),
            in_reply_to=read["in_reply_to"],
            configuration_set=read["configuration_set"],
            headers=read["headers"],
            tags=read["tags"] | _our_tags(read["stream"], read["request_id"], one.attempt),
            content=_content(read["content"]),
        )


def _addressed(fields: Sequence[Sequence[str]], goes: Collection[str]) -> list[tuple[str, ...]]:
    """Return the addresses of each field, as written, of those who are in *goes*; each person once, where first met."""
    people = [(normal_address(written), written, place) for place, field in enumerate(fields) for written in field]
    first = {who: (written, place) for who, written, place in reversed(people) if who in goes}
    return [tuple(w for who, w, at in people if at == place and first.get(who) == (w, place)) for place in range(3)]


def _our_tags(stream: str, request_id: str, attempt: int) -> dict[str, str]:
    """Return the tags by which SES's own events name the request; one that fits into no tag is left out."""
    tags = {STREAM_TAG: tag_of(stream), REQUEST_TAG: tag_of(request_id), ATTEMPT_TAG: str(attempt)}
    return {name: value for name, value in tags.items() if value is not None}


def _content(content: tuple[str, dict[str, Any]]) -> Content:
    """Return the content of a decoded request: the union's branch and its record."""
    branch, record = content
    if branch == "mail.Simple":
        return Simple(**record)
    if branch == "mail.Template":
        return Template(**record)
    return Raw(**record)


def _key(name: str, record: Mapping[str, Any]) -> bytes:
    """Return the table's key: the request's id, which may not be empty."""
    if not record["request_id"]:
        raise Unusable(DeadReason.NO_KEY, f"{name}: request_id is empty")
    return str(record["request_id"]).encode()


def _attempt(name: str, record: Mapping[str, Any]) -> int:
    """Return the attempt's number, from 1."""
    if record["attempt"] not in _ATTEMPTS:
        raise Unusable(DeadReason.WRONG_TYPE, f"{name}: attempt is not a number from 1")
    return int(record["attempt"])


def _some(name: str, value: bytes | None) -> bytes:
    """Refuse a record without a value."""
    if value is None:
        raise Unusable(DeadReason.NO_VALUE, f"{name}: a null value says nothing here")
    return value


def _check_time(name: str, field: str, at: int | None) -> None:
    """Refuse a time that cannot be kept."""
    if at is not None and not is_time(at):
        raise Unusable(DeadReason.BAD_TIME, f"{name}.{field} is outside the years 1970 to 9999")

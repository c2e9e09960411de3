"""The parts of a mail's body, as far as a report about a mail needs them: a list, bounded, unpacked, never all of it.

Written out rather than left to the standard library's parser of whole mails, which a hostile mail can hold up for
minutes by nesting; header blocks and encodings are the library's. Total: what is no multipart has no parts, what breaks
off ends there. Mails within a mail are not entered: what somebody passes on is not their own word.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from quopri import decodestring
from typing import NamedTuple

from streams.intake.mime import BEFORE, Headers, head_of

MAX_MAIL_BYTES = 256 * 1024
"""Looked at of a mail: what SNS carries. A report stands before the mail that it returns."""
MAX_PARTS = 32
MAX_DEPTH = 4
"""A report (1) in what a virus scanner (2) or a list (3) has wrapped around it, and one to spare."""

_BLANK = re.compile(rb"\r?\n\r?\n")
_LONGEST_TYPE = 2_000
_ODD_TYPES = (ValueError, LookupError, TypeError, AttributeError, MessageError)  # what parameters, mangled, lead to


class Part(NamedTuple):
    """One part: its type and the type of the multipart around it (lower case), its headers, and its bytes unpacked."""

    kind: str
    within: str
    head: Headers
    body: bytes


class _Type(NamedTuple):
    """What a Content-Type says."""

    kind: str
    boundary: str | None


def parts_of(mail: bytes, head: Headers) -> list[Part]:
    """Return the parts of a mail with that *head*, in order; the mail itself, as one part, where it is no multipart."""
    return list(_Walk().within(body_of(mail[:MAX_MAIL_BYTES].lstrip(BEFORE)), head, "", 0))


def body_of(mail: bytes) -> bytes:
    """Return what stands behind the first blank line."""
    found = _BLANK.search(mail)
    return b"" if found is None else mail[found.end() :]


class _Walk:
    """Goes through one mail; counts the parts, so that a mail of nothing but boundaries ends."""

    def __init__(self) -> None:
        self._left = MAX_PARTS

    def within(self, body: bytes, head: Headers, within: str, depth: int) -> Iterator[Part]:
        """Yield the parts that a body with that *head* holds."""
        said = _type_of(head)
        if not said.kind.startswith("multipart/") or said.boundary is None:
            yield Part(said.kind, within, head, _unpacked(body, head))
        elif depth < MAX_DEPTH:
            for piece in _pieces(body, said.boundary, self._left):
                self._left -= 1
                if self._left < 0:
                    return
                inner = {} if piece.startswith((b"\n", b"\r\n")) else head_of(piece)
                yield from self.within(body_of(b"\n" + piece), inner, said.kind, depth + 1)


def _type_of(head: Headers) -> _Type:
    """Return what the first Content-Type says; plain text where there is none, or none that can be read."""
    message = Message()
    try:
        message["Content-Type"] = next(iter(head.get("content-type", ())), "text/plain")[:_LONGEST_TYPE]
        return _Type(message.get_content_type(), message.get_boundary())
    except _ODD_TYPES:
        return _Type("text/plain", None)


def _pieces(body: bytes, boundary: str, most: int) -> list[bytes]:
    """Return at most *most* pieces between the lines of a boundary (RFC 2046, 5.1.1); one that breaks off counts."""
    if not boundary:
        return []
    name = re.escape(boundary.encode("utf-8", "surrogateescape"))
    found: list[bytes] = []
    start: int | None = None
    for line in re.finditer(rb"(?m)^--" + name + rb"(--)?[ \t]*\r?$", body):
        if start is not None:
            found.append(body[start : line.start()])
        start = line.end() + 1
        if line[1] is not None or len(found) >= most:
            return found
    return found if start is None else [*found, body[start:]]


def _unpacked(body: bytes, head: Headers) -> bytes:
    """Return a body without its transfer encoding; as it is, where that is not to be had."""
    match next(iter(head.get("content-transfer-encoding", ())), "").strip().lower():
        case "base64":
            packed = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            return b64decode(packed[: len(packed) // 4 * 4] + _rest(packed[len(packed) // 4 * 4 :]))
        case "quoted-printable":
            return decodestring(body)
        case _:
            return body


def _rest(left: bytes) -> bytes:
    """Return the last letters of base64, filled up; a single one says nothing."""
    return left + b"=" * (4 - len(left)) if len(left) > 1 else b""

"""The head of a mail as it came over the wire: its headers as text, whatever was done to them.

Only headers: what a report holds in its body is taken apart in bodies.py, and nobody reads a body otherwise. By the
standard library's parser, and total: bytes that are no mail have no headers. Nothing here knows which header means
what.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime

Headers = dict[str, list[str]]

MAX_HEAD_BYTES = 256 * 1024
"""More than any mail server takes as headers; what stands behind is not looked at."""

BEFORE = b"\xef\xbb\xbf\r\n"
"""A byte order mark and empty lines, by programs that export mail."""

_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_999  # as in times.py: what can be written as ISO 8601 again
_LONGEST_WORDS = 2_000
"""Characters of a header that are decoded: a line has 998, and RFC 2047 triples what it encodes."""


def head_of(mail: bytes) -> Headers:
    """Return the headers of a raw mail: lower-case name to values in order, unfolded, undecoded, 8-bit as UTF-8.

    The line that mbox puts first (`From ...` without a colon) is no header.
    """
    start = mail[:MAX_HEAD_BYTES].lstrip(BEFORE)
    end = _END.search(start)
    head = start if end is None else start[: end.start()]
    message = BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n")
    found: Headers = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), []).append(unfolded(_eight_bit(str(value))))
    return found


def content_bytes(content: str, encoding: str | None, most: int) -> bytes:
    """Return the first *most* bytes of a mail that SES put into a notification, as text or in base64.

    SES says which in `receipt.action.encoding`; where that is missing, text that has no colon is taken for base64.
    What is no base64 though it should be is no mail: nothing.
    """
    base64 = encoding.lower() == "base64" if encoding else ":" not in content[:_LONGEST_WORDS]
    if not base64:
        return content[:most].encode("utf-8", "replace")
    packed = "".join(content[: 2 * most].split())
    try:
        return b64decode(packed[: len(packed) // 4 * 4])[:most]
    except ValueError:
        return b""


def content_head(content: str, encoding: str | None) -> Headers:
    """Return the headers of a mail that SES put into a notification."""
    return head_of(content_bytes(content, encoding, MAX_HEAD_BYTES))


def unfolded(value: str) -> str:
    """Return a header's value on one line (RFC 5322, 2.2.3)."""
    return _FOLD.sub("", value).strip()


def decoded(value: str) -> str:
    """Return a header's text with its encoded words decoded (RFC 2047); as it is, where they cannot be."""
    try:
        return str(make_header(decode_header(value[:_LONGEST_WORDS])))
    except (ValueError, LookupError, MessageError, AssertionError):
        return value


def received_time(headers: Mapping[str, Sequence[str]]) -> int | None:
    """Return when a mail came, ms since the epoch: by the newest Received line, else by its Date.

    A Received line is written by the server that took the mail, the newest first (RFC 5321, 4.4); a Date by whatever
    clock the sender has. None where neither can be read.
    """
    trace = [line.rpartition(";")[2] for line in headers.get("received", ())[:1]]
    return _first_time([*trace, *headers.get("date", ())[:1]])


def _first_time(written: Iterable[str]) -> int | None:
    """Return the first time that can be read."""
    return next((at for text in written if (at := mail_time(text)) is not None), None)


def mail_time(written: str) -> int | None:
    """Return an RFC 5322 time as ms since the epoch, None where it is none; a time without a zone is UTC."""
    try:
        found = parsedate_to_datetime(written[:_LONGEST_WORDS])
        ms = (found.replace(tzinfo=found.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return ms if 0 <= ms <= _LAST else None


def _eight_bit(value: str) -> str:
    """Return a value with the bytes that are no ASCII read as UTF-8 (RFC 6532), and U+FFFD for what is no UTF-8."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

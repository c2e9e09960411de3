"""What no mail of ours may hold, whichever way it goes: looked at before a road does anything with it.

A line end where a header's name or value is lets whoever wrote it add headers of their own, and recipients with them;
so such a letter is refused as a whole, never mended. What is said here names the rule and never quotes the letter.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streams.dispatch.mime import ascii_mailbox
from streams.mail.letter import Letter, Raw

_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")  # what ends a line somewhere, and other controls
_NAME = re.compile(r"[!-9;-~]{1,126}")  # RFC 5322 3.6.8 ftext; SESv2 MessageHeader: 126 characters


class Taken(NamedTuple):
    """A header that a request may not set by itself, whether in a raw mail too, and why."""

    name: str
    raw_too: bool
    because: str


_RAW_TOO, _BUILT_ONLY = True, False
TAKEN = (
    Taken("bcc", _RAW_TOO, "whoever gets the mail would read it"),
    Taken("resent-bcc", _RAW_TOO, "whoever gets the mail would read it"),
    Taken("from", _BUILT_ONLY, "it is the request's from_address; SES refuses a second one"),
    Taken("to", _BUILT_ONLY, "it is the request's to; SES refuses a second one"),
    Taken("cc", _BUILT_ONLY, "it is the request's cc; SES refuses a second one"),
    Taken("subject", _BUILT_ONLY, "it is the content's; SES refuses a second one"),
    Taken("mime-version", _BUILT_ONLY, "who builds the mail says so"),
    Taken("content-type", _BUILT_ONLY, "who builds the mail says so"),
    Taken("content-transfer-encoding", _BUILT_ONLY, "who builds the mail says so"),
)
"""Sources: RFC 5322 3.6.3; SES developer guide, "Amazon SES header fields" (fields that may appear once)."""


class Fault(NamedTuple):
    """Why a letter does not go out: a *code* as if SES had refused it, and a sentence without a word of the letter."""

    code: str
    text: str


def fault_of(letter: Letter) -> Fault | None:
    """Return what is wrong with *letter*, by whatever road; None where nothing is."""
    why = _bad_header(letter)
    if why is not None:
        return Fault("BadHeader", why)
    if not all(ascii_mailbox(address).isascii() for address in _addresses(letter)):
        return Fault("BadAddress", "before the @ SES takes ASCII only: it has no SMTPUTF8 (RFC 6531)")
    return None


def _bad_header(letter: Letter) -> str | None:
    """Return why a header made from *letter* would be no header, or somebody else's."""
    names = [name.lower() for name in letter.headers]
    if not all(_NAME.fullmatch(name) for name in letter.headers):
        return "a header's name is empty, too long or holds what no name may hold (RFC 5322 3.6.8)"
    if any(_BREAK.search(text) for text in _texts(letter)):
        return "a line end or another control character where a header is made from"
    raw = isinstance(letter.content, Raw)
    taken = next((row for row in TAKEN if row.name in names and (row.raw_too or not raw)), None)
    if taken is not None:
        return f"the header {taken.name} is not for a request to set: {taken.because}"
    if letter.reply_to and "reply-to" in names:
        return "reply-to is said twice, as a field and as a header"
    return None


def _addresses(letter: Letter) -> tuple[str, ...]:
    """Return every address of a letter."""
    return (letter.from_address, *letter.recipients, *letter.reply_to)


def _texts(letter: Letter) -> list[str]:
    """Return every text of a letter that ends up in a header or in an SMTP command."""
    optional = (letter.in_reply_to, letter.configuration_set)
    content = letter.content
    return [
        *_addresses(letter),
        *letter.headers.values(),
        *(text for text in optional if text is not None),
        *(() if isinstance(content, Raw) else (content[0],)),  # a subject, or a template's name
    ]

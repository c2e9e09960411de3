"""How a mail carries its request's id, so that SES's own events name it: as a message tag.

SES allows `A-Za-z0-9_-` in a tag, 256 characters at most (SESv2 API reference, MessageTag). A request id that is not
so is written in base64url behind a prefix; one that is too long even so goes without.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

STREAM_TAG = "stream"
REQUEST_TAG = "request_id"
ATTEMPT_TAG = "attempt"
"""Message tags by which SES's own events name the sending stream, the request and its attempt."""

LONGEST = 256
_PREFIX = "b64_"
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,256}")


def tag_of(text: str) -> str | None:
    """Return *text* as a tag's value; None where it is empty or too long."""
    if _PLAIN.fullmatch(text) and not text.startswith(_PREFIX):
        return text
    packed = _PREFIX + urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return packed if text and len(packed) <= LONGEST else None


def text_of(tag: str) -> str:
    """Return what `tag_of` was given; a tag of another maker comes back as it is."""
    if not (tag.startswith(_PREFIX) and _PLAIN.fullmatch(tag)):
        return tag
    packed = tag.removeprefix(_PREFIX)
    try:
        return urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except (Error, UnicodeDecodeError):
        return tag

"""The token by which somebody leaves a stream: who, which stream, by which request; sealed by us.

It stands in the links and addresses of List-Unsubscribe (RFC 2369, RFC 8058), where servers, proxies and logs see it,
so it is not only authenticated but unreadable. The same content gives the same token. A token does not end: whoever
finds a year-old mail may leave. It is written in base32, in lower case, since mail servers and people change the case
of addresses. How it is sealed must not come in here: a key is whatever seals.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from streams.mail.address import LONGEST, normal_address

ONE_CLICK = "unsubscribed-one-click"
BY_MAIL = "unsubscribed-by-mail"
"""What the feedback gives as its reason: how somebody left, by a token or by a mail that is vouched for."""
OURS = frozenset({ONE_CLICK, BY_MAIL})

ONE_CLICK_BODY = "List-Unsubscribe=One-Click"
"""What List-Unsubscribe-Post says, and what is posted then (RFC 8058, 3.1 and 3.2)."""

VERSION = 1
LONGEST_TOKEN = 1_024
"""Characters; what is longer is no token of ours, and is not looked at."""
LONGEST_STREAM, LONGEST_REQUEST = 64, 128
"""Bytes; a longer request id is left out, a longer stream gets no token."""

TOKEN = re.compile(r"[a-z2-7]{40,1024}")

_HEAD = 3
"""Bytes before what is sealed: the version, and two that name the key."""


class Leave(NamedTuple):
    """Somebody leaves: *recipient* in normal form, the stream, and the request whose mail said how, if known."""

    recipient: str
    stream: str
    request_id: str | None


class Key(Protocol):
    """What seals and opens; the ciphers are elsewhere (settings/keys.py), and the same content gives the same seal."""

    @property
    def id(self) -> bytes:
        """Two bytes by which a token names its key."""

    def seal(self, content: bytes) -> bytes:
        """Return content that nobody without this key can read, or change unnoticed."""

    def opened(self, sealed: bytes) -> bytes | None:
        """Return what was sealed; None where this key did not seal it."""


def make_token(leave: Leave, key: Key) -> str | None:
    """Return the token of *leave*; None where the stream or the address is too long for one, or there is none."""
    who, stream = normal_address(leave.recipient).encode(), leave.stream.encode()
    request = (leave.request_id or "").encode()
    if "@" not in leave.recipient or len(who) > LONGEST or not 0 < len(stream) <= LONGEST_STREAM:
        return None
    parts = (who, stream, request if len(request) <= LONGEST_REQUEST else b"")
    content = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return _written(bytes([VERSION]) + key.id + key.seal(content))


def read_token(token: str, keys: Sequence[Key]) -> Leave | None:
    """Return what a token says, by whichever of *keys* made it; None for what is no token of ours."""
    written = token.lower() if len(token) <= LONGEST_TOKEN else ""
    if not TOKEN.fullmatch(written):
        return None
    try:
        packed = b32decode(written.upper() + "=" * (-len(written) % 8))
    except ValueError:
        return None
    if packed[0] != VERSION or _written(packed) != written:  # spare bits at its end: another spelling is none of ours
        return None
    for key in keys:
        content = key.opened(packed[_HEAD:]) if key.id == packed[1:_HEAD] else None
        if content is not None:
            who, stream, request = (part.decode() for part in _parts(content))
            return Leave(who, stream, request or None)
    return None


def _written(packed: bytes) -> str:
    """Return bytes as a token writes them."""
    return b32encode(packed).decode().rstrip("=").lower()


def _parts(content: bytes) -> Iterator[bytes]:
    """Yield the three parts of what we sealed ourselves."""
    start = 0
    for _ in range(3):
        end = start + 2 + int.from_bytes(content[start : start + 2], "big")
        yield content[start + 2 : end]
        start = end

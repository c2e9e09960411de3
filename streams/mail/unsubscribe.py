"""The token by which somebody leaves a stream: who, which stream, by which request; sealed by us.

It stands in the links and addresses of List-Unsubscribe (RFC 2369, RFC 8058), where servers, proxies and logs see it,
so it is not only authenticated but unreadable: a synthetic IV by HMAC-SHA-256 over the content, and a key stream by
HMAC-SHA-256 over that (the construction of RFC 5297 with another PRF). The same content gives the same token. A token
does not end: whoever finds a year-old mail may leave. It is written in base32, in lower case, since mail servers and
people change the case of addresses.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest, digest
from typing import NamedTuple

from streams.mail.address import LONGEST, normal_address

ONE_CLICK = "unsubscribed-one-click"
BY_MAIL = "unsubscribed-by-mail"
"""What the feedback gives as its reason: how somebody left, by a token or by a mail that is vouched for."""
OURS = frozenset({ONE_CLICK, BY_MAIL})

VERSION = 1
LONGEST_TOKEN = 1_024
"""Characters; what is longer is no token of ours, and is not looked at."""
LOCAL_PART = 64
"""Characters of an address before the @ (RFC 5321, 4.5.3.1.1)."""
LONGEST_STREAM, LONGEST_REQUEST = 64, 128
"""Bytes; a longer request id is left out, a longer stream gets no token."""

TOKEN = re.compile(r"[a-z2-7]{40,1024}")

_KEY_ID = 2
_SEAL = 16
_HASH = "sha256"
_HEAD = 1 + _KEY_ID


class Leave(NamedTuple):
    """Somebody leaves: *recipient* in normal form, the stream, and the request whose mail said how, if known."""

    recipient: str
    stream: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """One secret; *id* names it in tokens and tells nothing of it. A key shows none of itself."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """Return two bytes by which a token names its key."""
        return self._derived(b"id")[:_KEY_ID]

    def seal(self, content: bytes) -> bytes:
        """Return content that nobody without this key can read, or change unnoticed."""
        iv = self._iv(content)
        return iv + self._masked(iv, content)

    def opened(self, sealed: bytes) -> bytes | None:
        """Return what was sealed; None where this key did not seal it."""
        iv, masked = sealed[:_SEAL], sealed[_SEAL:]
        content = self._masked(iv, masked)
        return content if compare_digest(iv, self._iv(content)) else None

    def _derived(self, use: bytes) -> bytes:
        """Return the part of the key for one use, so that no two uses share one."""
        return digest(self.secret, b"ses-streams unsubscribe " + bytes([VERSION]) + use, _HASH)

    def _iv(self, content: bytes) -> bytes:
        return digest(self._derived(b"seal"), content, _HASH)[:_SEAL]

    def _masked(self, iv: bytes, content: bytes) -> bytes:
        """Return *content* under the key stream of *iv*; done twice, it is itself again."""
        key = self._derived(b"mask")
        size = sha256().digest_size
        blocks = range(0, len(content), size)
        stream = b"".join(digest(key, iv + (at // size).to_bytes(4, "big"), _HASH) for at in blocks)
        return bytes(a ^ b for a, b in zip(content, stream, strict=False))


def make_token(leave: Leave, key: Key) -> str | None:
    """Return the token of *leave*; None where the stream or the address is too long for one, or there is none."""
    who, stream = normal_address(leave.recipient).encode(), leave.stream.encode()
    request = (leave.request_id or "").encode()
    if "@" not in leave.recipient or len(who) > LONGEST or not 0 < len(stream) <= LONGEST_STREAM:
        return None
    parts = (who, stream, request if len(request) <= LONGEST_REQUEST else b"")
    content = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return b32encode(bytes([VERSION]) + key.id + key.seal(content)).decode().rstrip("=").lower()


def read_token(token: str, keys: Sequence[Key]) -> Leave | None:
    """Return what a token says, by whichever of *keys* made it; None for what is no token of ours."""
    written = token.lower()
    if not TOKEN.fullmatch(written):
        return None
    try:
        packed = b32decode(written.upper() + "=" * (-len(written) % 8))
    except ValueError:
        return None
    if packed[0] != VERSION:
        return None
    for key in keys:
        content = key.opened(packed[_HEAD:]) if key.id == packed[1:_HEAD] else None
        if content is not None:
            who, stream, request = (part.decode() for part in _parts(content))
            return Leave(who, stream, request or None)
    return None


def fits_address(prefix: str, token: str) -> bool:
    """Tell whether a token fits behind *prefix* into the part of an address before the @; few do."""
    return len(prefix) + len(token) <= LOCAL_PART


def _parts(content: bytes) -> Iterator[bytes]:
    """Yield the three parts of what we sealed ourselves."""
    start = 0
    for _ in range(3):
        end = start + 2 + int.from_bytes(content[start : start + 2], "big")
        yield content[start + 2 : end]
        start = end

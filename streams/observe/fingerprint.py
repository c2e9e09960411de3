"""Fingerprints that stand for addresses, so that a log can be followed and nobody in it be named.

An address becomes a short keyed hash and its domain: `<3f9a01c2de at example.com>`. Keyed, because a plain hash of an
address is undone by trying addresses; short, because it only has to tell people apart within a log. The pattern errs
towards hiding: whatever is glued to an `@` goes. Addresses elsewhere than in words for people are not this file's.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

from streams.mail.address import normal_address
from streams.mail.spotting import with_addresses

_HEX = 10


class Fingerprints:
    """Hides addresses with one key: the same person has the same fingerprint as long as the key is the same."""

    def __init__(self, key: bytes | None = None) -> None:
        """Take the key; without one, make one that lives as long as this object."""
        given = secrets.token_bytes(32) if key is None else key
        self._key = blake2b(given, digest_size=32).digest()  # of any length, and blake2b's own is 64 bytes at most

    def of(self, address: str) -> str:
        """Return what stands for one address, however it is written."""
        normal = normal_address(address)
        mark = blake2b(normal.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).hexdigest()[:_HEX]
        return f"<{mark} at {normal.rpartition('@')[2]}>"

    def scrub(self, text: str) -> str:
        """Return *text* with every address, and whatever looks like one, replaced."""
        return with_addresses(text, self.of)

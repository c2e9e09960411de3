"""A secret of the settings as a key that seals: what mails carry about becomes unreadable, and cannot be made up.

It is AES-SIV (RFC 5297) as the package `cryptography` has it; nothing here is of our own making. SIV needs no nonce,
so the same content gives the same seal, and a repeat gives nothing away but that it is one. What is sealed, and how it
is written, is none of this file's business (mail/unsubscribe.py); it must hold no setting.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_USE = b"ses-streams unsubscribe 1 "
"""Parts of a secret for different uses have nothing in common (RFC 5869, 3.2)."""
_ID, _KEY = 2, 64
"""Bytes of a key's name, and of a key of AES-256-SIV."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One secret; *id* names it in what it sealed, and tells nothing of it. A key shows none of itself."""

    id: bytes
    _siv: AESSIV = field(repr=False, compare=False)

    @classmethod
    def of(cls, secret: str) -> SealingKey:
        """Return the key of a secret that an operator set."""
        return cls(_derived(secret, b"id", _ID), AESSIV(_derived(secret, b"seal", _KEY)))

    def seal(self, content: bytes) -> bytes:
        """Return content that nobody without this key can read, or change unnoticed."""
        return self._siv.encrypt(content, None)

    def opened(self, sealed: bytes) -> bytes | None:
        """Return what was sealed; None where this key did not seal it."""
        try:
            return self._siv.decrypt(sealed, None)
        except InvalidTag:
            return None


def _derived(secret: str, use: bytes, length: int) -> bytes:
    """Return the part of a secret for one use."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=_USE + use).derive(secret.encode())

"""The text that SNS signs, and whether a signature is of it.

For each signed field its name, a line break, its value, a line break. That such text means one message alone rests on
message.py: a value with line breaks could otherwise be read as the fields that follow it.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from streams.inlets.sns.message import SIGNED, Kind, Message

VERSIONS: dict[str, HashAlgorithm] = {
    "1": SHA1(),  # noqa: S303 - what topics sign with until somebody sets SignatureVersion to 2
    "2": SHA256(),
}
"""The versions of signatures that SNS has, by the hash each uses."""

_PADDING = PKCS1v15()


def string_to_sign(kind: Kind, fields: Mapping[str, str]) -> bytes:
    """Return what SNS signs of a message of this kind."""
    return "".join(f"{name}\n{fields[name]}\n" for name in SIGNED[kind] if name in fields).encode()


def is_signed(message: Message, key: RSAPublicKey) -> bool:
    """Tell whether the holder of *key* signed this very message."""
    try:
        key.verify(message.signature, string_to_sign(message.kind, message.fields), _PADDING, VERSIONS[message.version])
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True

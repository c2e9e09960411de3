"""Whether a mail holds the EICAR test string: SES takes such a mail, and rejects it afterwards ("Bad content").

The string is put together at run time, so that no scanner takes this file, or what Python compiles of it, for the real
thing. It is looked for in the mail as it is, and in each MIME part once decoded. Source: SES developer guide,
"Testing"; eicar.org.
"""

from __future__ import annotations

from email import message_from_bytes

_PARTS = ("X5O!P%@AP", "[4\\PZX54(P^)", "7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-", "FILE!$H+H*")
EICAR = "".join(_PARTS)

_BYTES = EICAR.encode()


def in_text(text: str) -> bool:
    """Return whether *text* holds it."""
    return EICAR in text


def in_bytes(data: bytes) -> bool:
    """Return whether a file holds it."""
    return _BYTES in data


def in_mime(raw: bytes) -> bool:
    """Return whether a mail holds it: as it is, or in a part that is base64 or quoted-printable."""
    if _BYTES in raw:
        return True
    lower = raw.lower()
    if b"base64" not in lower and b"quoted-printable" not in lower:
        return False  # nothing to decode: most mails end here
    parts = message_from_bytes(raw).walk()
    return any(_BYTES in payload for part in parts if isinstance(payload := part.get_payload(decode=True), bytes))

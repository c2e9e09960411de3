"""Addresses and message ids in the one form by which we compare them, applied once, at the first touch.

A recipient loses its display name, its domain becomes lower-case IDNA ASCII (RFC 5891), its local part lower case:
SES compares suppressed addresses without case. A message id loses `<>` and any `@...amazonses.com`: SES writes the
bare id in events, and `<id@email.amazonses.com>` or `<id@REGION.amazonses.com>` on the wire.
"""

from __future__ import annotations

import re
from email.utils import parseaddr
from functools import lru_cache
from typing import NamedTuple

import idna

LONGEST = 320
"""Characters of the longest address there can be: 64, the @, and 255 (RFC 5321 4.5.3.1)."""

_ADDRESS = re.compile(r"[^\s@<>,;\x00-\x20\x7f]+@[^\s@<>,;\x00-\x20\x7f]+|\"[^\"\x00-\x1f\x7f]+\"@[^\s@<>,;]+")
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9.-]+")
_AMAZON = re.compile(r"@[a-z0-9.-]*amazonses\.com(\.cn)?$", re.IGNORECASE)


class Who(NamedTuple):
    """A recipient: its address in normal form, and as it was written where that differs."""

    recipient: str
    written: str | None


def read_address(text: str) -> Who | None:
    """Return whom a person's *text* names; None where it is no address."""
    bare = parseaddr(text)[1] if "<" in text else text.strip()
    if len(bare) > LONGEST or _ADDRESS.fullmatch(bare) is None:
        return None
    recipient = normal_address(bare)
    return Who(recipient, None if recipient == bare else bare)


def normal_address(written: str) -> str:
    """Return *written* in normal form; text that is no address comes back lower-case, never an error."""
    return _remembered(written) if len(written) <= LONGEST else _normal(written)


def _normal(written: str) -> str:
    """Return the normal form, worked out."""
    if _PLAIN.fullmatch(written):
        return written
    bare = _without_name(written.strip())
    local, at, domain = bare.rpartition("@")
    if not at:
        return bare.lower()
    return f"{local.lower()}@{_ascii_domain(domain)}"


_remembered = lru_cache(maxsize=1 << 16)(_normal)
"""A mail's recipient is met three times within seconds: sent to, reported, judged."""


def normal_message_id(written: str) -> str:
    """Return a message id without angle brackets and without SES's own domain."""
    bare = written.strip().strip("<>").strip()
    return _AMAZON.sub("", bare)


def _without_name(written: str) -> str:
    """Return the address of `Name <address>`; SES does send that form in bounces."""
    if "<" not in written and '"' not in written:
        return written
    found = parseaddr(written)[1]
    return found or written


def _ascii_domain(domain: str) -> str:
    """Return *domain* as lower-case ASCII; a domain that IDNA refuses is only lower-cased."""
    lowered = domain.strip().rstrip(".").lower()
    if lowered.isascii():
        return lowered
    try:
        return idna.encode(lowered, uts46=True).decode("ascii")
    except idna.IDNAError:
        return lowered

"""Chance and names out of a seed: the same seed, the same number, the same answer, in whatever order one asks.

No state and no clock. SES's ids begin with a region's digits and the time in ms, in hex; then comes what looks like a
UUID, then six digits. Ours are made in that form, so that whatever reads or sorts them sees nothing unusual.
"""

from __future__ import annotations

from hashlib import blake2b

_REGION = "0100"  # what us-east-1's ids begin with
_WHOLE = 1 << 64


def chance(seed: int, number: int, what: str) -> float:
    """Return a chance in [0, 1) for the *what* of mail *number*."""
    return int.from_bytes(_drawn(seed, number, what, 8)) / _WHOLE


def message_id(seed: int, number: int, at: int) -> str:
    """Return the id of the mail *number*, accepted at *at* (ms since the epoch)."""
    return _id(at, uuid(seed, number, "message"))


def feedback_id(seed: int, number: int, what: str, at: int) -> str:
    """Return the id of a bounce or complaint about mail *number*."""
    return _id(at, uuid(seed, number, what))


def uuid(seed: int, number: int, what: str) -> str:
    """Return what looks like a random UUID (version 4, RFC 9562)."""
    digits = _drawn(seed, number, what, 16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _drawn(seed: int, number: int, what: str, size: int) -> bytes:
    return blake2b(f"{seed}/{number}/{what}".encode(), digest_size=size).digest()


def _id(at: int, named: str) -> str:
    return f"{_REGION}{at:012x}-{named}-000000"

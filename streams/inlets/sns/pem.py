"""A signing certificate, from its file to the key in it.

Its chain is not followed: the file holds the leaf alone, and comes over TLS from SNS's own host, for which the system's
authorities vouch. What it says of itself is checked all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

_LEAST_BITS, _MOST_BITS = 2048, 8192  # fewer are broken, more are slow
_LEAST_EXPONENT = 65537  # with an exponent of 1 anything is a signature
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Certificate(NamedTuple):
    """A key, and from when until when (ms since the epoch) it signs."""

    key: RSAPublicKey
    begins: int
    ends: int

    def is_valid(self, now: int) -> bool:
        """Tell whether it signs at a time."""
        return self.begins <= now <= self.ends


def read_certificate(pem: bytes, names: frozenset[str]) -> Certificate | None:
    """Return a file's first certificate, if SNS can sign with it: an RSA key of a sound size, and one of *names*."""
    try:
        found = x509.load_pem_x509_certificates(pem)[0]
        key = found.public_key()
        called = [name.value for name in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPublicKey) or not _LEAST_BITS <= key.key_size <= _MOST_BITS:
        return None
    if key.public_numbers().e < _LEAST_EXPONENT or len(called) != 1 or called[0] not in names:
        return None
    return Certificate(key, _ms(found.not_valid_before_utc), _ms(found.not_valid_after_utc))


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND

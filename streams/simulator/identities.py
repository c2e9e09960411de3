"""Which senders are verified: addresses, and domains with everything below them. Nobody has to click on anything here.

Source: SES developer guide, "Verified identities": a domain covers its subdomains and every address in them; an
address covers itself, whatever stands after its `+`; addresses count in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Sort(StrEnum):
    """What an identity is."""

    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    DOMAIN = "DOMAIN"


class Identities:
    """The identities of an account, all of them verified, in the order in which they came."""

    def __init__(self, verified: Iterable[str]) -> None:
        """Begin with *verified*."""
        self._known = {identity.lower(): identity for identity in verified}

    def add(self, identity: str) -> bool:
        """Add one; return False where it is there already."""
        if identity.lower() in self._known:
            return False
        self._known[identity.lower()] = identity
        return True

    def remove(self, identity: str) -> bool:
        """Remove one; return whether it was there."""
        return self._known.pop(identity.lower(), None) is not None

    def __contains__(self, identity: str) -> bool:
        return identity.lower() in self._known

    def names(self) -> list[str]:
        """Return all of them as they were written."""
        return list(self._known.values())

    def cover(self, address: str) -> bool:
        """Return whether one may write as *address*."""
        local, _, domain = address.lower().rpartition("@")
        if f"{local}@{domain}" in self._known or f"{local.partition('+')[0]}@{domain}" in self._known:
            return True
        labels = domain.split(".")
        return any(".".join(labels[begin:]) in self._known for begin in range(len(labels)))


def sort_of(identity: str) -> Sort:
    """Return whether an identity is an address or a domain."""
    return Sort.EMAIL_ADDRESS if "@" in identity else Sort.DOMAIN

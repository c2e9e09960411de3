"""The account's own suppression list, with its one oddity: entries have an exact case, mail is held back in any.

SES looks an entry up, and removes it, by the exact spelling with which it was put there; at send time case does not
count (SES developer guide, "Managing the tenant-level suppression list"). So two spellings are two entries, and the
address is free only when both are gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Suppressed(NamedTuple):
    """One entry: the address as it was put there, `BOUNCE` or `COMPLAINT`, since when (ms), and what it came from."""

    address: str
    reason: str
    at: int
    message_id: str = ""
    feedback_id: str = ""


class SuppressionList:
    """Entries by their exact spelling, in the order in which they came."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: dict[str, Suppressed] = {}
        self._folded: Counter[str] = Counter()

    def put(self, entry: Suppressed) -> None:
        """Put an address on the list; the same spelling once more replaces its entry."""
        self._folded[entry.address.lower()] += entry.address not in self._entries
        self._entries[entry.address] = entry

    def find(self, address: str) -> Suppressed | None:
        """Return the entry with exactly this spelling."""
        return self._entries.get(address)

    def remove(self, address: str) -> bool:
        """Take the entry with exactly this spelling off the list; return whether there was one."""
        if self._entries.pop(address, None) is None:
            return False
        self._folded[address.lower()] -= 1
        return True

    def holds(self, address: str) -> bool:
        """Return whether mail to *address* is held back: its case does not count."""
        return self._folded[address.lower()] > 0 if self._folded else False

    def entries(self) -> Iterable[Suppressed]:
        """Return all entries."""
        return self._entries.values()

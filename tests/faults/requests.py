"""Requests: mails that our own worker is asked to send, with the end that each must come to, through the simulator.

What becomes of a mail is said by its recipient's address (docs/simulator.md), so the end is known by construction.
Every recipient belongs to one request alone. Some requests are published twice and must be sent once.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.stories import DueEnd, DueRetry, DueSuppression, Put, Story
from tests.faults.wire import Wire

OURS = "example.com"
"""Our own domain; the simulator takes mail from it alone."""
THEIRS = ("example.net", "example.org")
TWICE = 0.08
"""So many requests are published twice."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a word of an address leads to: the last attempt's outcome, attempts, how the recipient stands, the share."""

    word: str
    kind: str
    attempts: int
    stands: str
    share: float


FATES = (
    Fate("", "DELIVERED", 1, "", 72),
    Fate("gone", "HARD_BOUNCED", 1, "HARD_BOUNCE", 8),
    Fate("complain", "COMPLAINED", 1, "COMPLAINT", 4),
    Fate("busy-1", "DELIVERED", 2, "", 10),
    Fate("slow-1", "DELIVERED", 1, "", 6),
)
SEVERAL = 0.1
"""So many requests go to several recipients."""


class Asker:
    """Makes requests, one after another; the same arguments make the same ones."""

    def __init__(self, seed: int, wire: Wire, began: int) -> None:
        """Begin before the first; *began* is now, ms since the epoch."""
        self._chance = Random(f"requests {seed}")
        self._wire, self._began = wire, began
        self._told = 0

    def tell(self) -> Story:
        """Return the next request."""
        number, chance = self._told, self._chance
        self._told += 1
        count = chance.randint(2, 4) if chance.random() < SEVERAL else 1
        fates = [chance.choices(FATES, [fate.share for fate in FATES])[0] for _ in range(count)]
        people = [self._address(number, place, fate) for place, fate in enumerate(fates)]
        request_id = f"ask-{number:08d}"
        story = Story(name="asked", number=number)
        for person, fate in zip(people, fates, strict=True):
            story.ends.append(DueEnd(request_id=request_id, recipient=person, kind=fate.kind, attempts=fate.attempts))
            if fate.stands:
                story.suppressions.append(DueSuppression(recipient=person, message_id="", reason=fate.stands))
            if fate.attempts > 1:
                story.retries.append(DueRetry(request_id=request_id, recipient=person, attempt=2))
        value = self._wire.encode("send-requests", self._record(request_id, people, self._began + number))
        copies = 2 if chance.random() < TWICE else 1
        story.puts.append(Put(role="send-requests", key=request_id.encode(), value=value, copies=copies))
        return story

    def _address(self, number: int, place: int, fate: Fate) -> str:
        name = f"a{number}.{place}"
        return f"{fate.word + '+' if fate.word else ''}{name}@{self._chance.choice(THEIRS)}"

    def _record(self, request_id: str, people: list[str], at: int) -> dict[str, Any]:
        return {
            "request_id": request_id,
            "stream": "receipts",
            "requested_at": at,
            "from_address": f"receipts@{OURS}",
            "to": people,
            "content": ("mail.Simple", {"subject": "A receipt", "text": "This mail was made up for a test."}),
        }

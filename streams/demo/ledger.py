"""What must come out of a demo day, written down while the day is made up: nothing here is asked of the product.

An outcome is known by message, recipient, kind and time; it has two flags. A suppression is known by its recipient.
The ledger does not care in which order it is written: entries are sets and sums.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class OutcomeKey(NamedTuple):
    """Which outcome: *at* is when it happened, ms since the epoch."""

    message_id: str
    recipient: str
    kind: str
    at: int


class OutcomeFlags(NamedTuple):
    """What the outcome must say besides: was it surely this recipient, and was the send found."""

    certain: bool
    matched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSuppression:
    """Whom not to write to: *until* in ms since the epoch, None for good; *evidence* the messages it must name."""

    reason: str
    scope: str
    until: int | None
    evidence: frozenset[str]


class DueLetter(NamedTuple):
    """A dead letter: where the record failed, why, and its original bytes."""

    stage: str
    reason: str
    value: bytes | None


@dataclass(slots=True)
class Ledger:
    """What was handed in (counts) and what is due for it; *unmatched* outcomes are of mails that nobody told us of."""

    sends: int = 0
    feedback: int = 0
    duplicates: int = 0
    unmatched: int = 0
    outcomes: dict[OutcomeKey, OutcomeFlags] = field(default_factory=dict)
    suppressions: dict[str, DueSuppression] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    letters: Counter[DueLetter] = field(default_factory=Counter)
    stories: Counter[str] = field(default_factory=Counter)

    def outcome(self, key: OutcomeKey, flags: OutcomeFlags) -> None:
        """Write down one outcome; the same twice means that a story told something twice, which is a fault of ours."""
        if key in self.outcomes:
            raise ValueError(f"the day tells one thing twice: {key.kind} at {key.at}")
        self.outcomes[key] = flags
        self.unmatched += not flags.matched

    def suppression(self, recipient: str, due: DueSuppression) -> None:
        """Write down whom not to write to; one story a person, so nobody is entered twice."""
        if recipient in self.suppressions:
            raise ValueError(f"two stories end for one person: {due.reason}")
        self.suppressions[recipient] = due

    def letter(self, letter: DueLetter) -> None:
        """Write down one dead letter."""
        self.letters[letter] += 1

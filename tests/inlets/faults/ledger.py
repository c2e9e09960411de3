"""The ledger: what SNS acknowledged to whoever published it, by which road it goes, and so what must come.

A publication that was not acknowledged is doubtful: it may come, and nothing is concluded where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.inlets.faults.events import Fact, Told


@dataclass(slots=True)
class Due:
    """One event, and how it was told: by which roads, once for each way to us, and in which words."""

    feedback_id: str
    roads: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """Return by what it comes: events of SNS, of SQS, or of both."""
        ways = {road.partition(" ")[0] for road in self.roads}
        return ways.pop() if len(ways) == 1 else "both"


@dataclass(slots=True)
class Ledger:
    """One writer at a time. letters: poison by its text, why it is none, and how often it goes to us."""

    events: dict[Fact, Due] = field(default_factory=dict)
    letters: dict[str, tuple[str, int]] = field(default_factory=dict)
    doubts: set[Fact | str] = field(default_factory=set)
    nothings: int = 0
    told: int = 0

    def enter(self, told: Told, roads: tuple[str, ...]) -> None:
        """Note that *told* was acknowledged and goes by *roads*."""
        self.told += 1
        if told.fact is not None:
            due = self.events.setdefault(told.fact, Due(told.feedback_id))
            due.texts |= {told.text} if told.verbatim else set()
            due.roads += roads
        elif told.reason:
            self.letters[told.text] = (told.reason, self.letters.get(told.text, ("", 0))[1] + len(roads))
        else:
            self.nothings += 1

    def doubt(self, told: Told) -> None:
        """Note that nobody knows whether *told* goes anywhere."""
        self.doubts.add(told.fact or told.text)

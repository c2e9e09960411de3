"""What must become of every request, written down while the requests are made up: nothing here is asked of the product.

A line is one request and one recipient. What is only known once a request is handed in (its times) is added then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from streams.demo.loop.tales import End, Fate


class LineKey(NamedTuple):
    """One request for one recipient."""

    request_id: str
    recipient: str


class Said(NamedTuple):
    """One outcome: which attempt it is of, and what kind it is."""

    attempt: int
    kind: str


@dataclass(slots=True, kw_only=True)
class Line:
    """What is due for one request and recipient.

    behind: the request whose last mail to this recipient must go out first. asked_at, not_before: ms since the epoch;
    asked_at is None until it is handed in.
    """

    tale: str
    fate: Fate
    behind: str | None = None
    asked_at: int | None = None
    not_before: int | None = None

    @property
    def due(self) -> frozenset[Said]:
        """Every outcome that is due."""
        return frozenset(Said(attempt, kind) for attempt, kinds in enumerate(self.fate.said, 1) for kind in kinds)


@dataclass(slots=True)
class LoopLedger:
    """What is due: lines, whom not to write to in the end and why, and whose machine must be found to answer ours."""

    lines: dict[LineKey, Line] = field(default_factory=dict)
    stops: dict[str, str] = field(default_factory=dict)
    loops: set[str] = field(default_factory=set)
    waiters: list[LineKey] = field(default_factory=list)
    """Lines that are still to wait in the end."""
    handed_in: int = 0
    repeats: int = 0

    def line(self, key: LineKey, line: Line) -> None:
        """Write down one line; the same twice is a fault of ours."""
        if key in self.lines:
            raise ValueError(f"one request is made up twice for one recipient: {line.tale}")
        self.lines[key] = line
        if line.fate.end is End.WAITING:
            self.waiters.append(key)

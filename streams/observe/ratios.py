"""Bounce and complaint ratios over the last sends of each stream: a rolling approximation of what SES computes.

SES rates an account over a "representative volume", whose size it does not tell (a window of days, for whoever sends
little). So the window here is a volume too: the last 10,000 sends of a stream, in blocks of 500. It is never a copy
of SES's own number: ours is per stream, a complaint counts when it comes and not when its mail was sent, and each
worker sees only its partitions. docs/metrics.md says how to add workers up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from operator import add
from typing import NamedTuple

from streams.mail.outcome import OutcomeKind
from streams.observe.provider import Provider

BLOCK_SENDS = 500
BLOCKS = 20


@dataclass(slots=True)
class Block:
    """Some sends that follow each other, and what was counted meanwhile."""

    sends: int = 0
    bounces: int = 0
    complaints: int = 0


@dataclass(slots=True)
class Window:
    """The last sends of one stream."""

    blocks: deque[Block] = field(default_factory=lambda: deque([Block()], maxlen=BLOCKS))

    def sent(self, count: int) -> None:
        """Count sends; a full block makes room for a new one, and the oldest falls out."""
        while count > 0:
            if self.blocks[-1].sends >= BLOCK_SENDS:
                self.blocks.append(Block())
            taken = min(count, BLOCK_SENDS - self.blocks[-1].sends)
            self.blocks[-1].sends += taken
            count -= taken

    def bounced(self, count: int) -> None:
        """Count hard bounces; a negative count takes back those that SES does not rate."""
        self.blocks[-1].bounces += count

    def complained(self, count: int) -> None:
        """Count complaints."""
        self.blocks[-1].complaints += count

    @property
    def sends(self) -> int:
        """Sends in the window."""
        return sum(block.sends for block in self.blocks)

    @property
    def bounce_ratio(self) -> float:
        """Hard bounces per send, 0 to 1; 0 without sends."""
        return self._ratio(sum(block.bounces for block in self.blocks))

    @property
    def complaint_ratio(self) -> float:
        """Complaints per send, 0 to 1; 0 without sends."""
        return self._ratio(sum(block.complaints for block in self.blocks))

    def _ratio(self, part: int) -> float:
        sends = self.sends
        return max(part, 0) / sends if sends else 0.0


class Rated(NamedTuple):
    """What SES rates of a stream; bounces are hard ones."""

    sends: int = 0
    bounces: int = 0
    complaints: int = 0


def added(one: Rated, other: Rated) -> Rated:
    """Return both together."""
    return Rated(*map(add, one, other))


RATED = ("ses_sends_total", "ses_outcomes_total", "ses_listed_bounces_total", "ses_mail_reports_total")
"""The metrics of which `rated` knows something to say."""


def rated(name: str, labels: tuple[str, ...], count: int) -> tuple[str, Rated] | None:
    """Return the stream, and what *count* in a series adds to what SES rates of it; None where it rates nothing.

    Labels are as they are exported.
    """
    match (name, labels):
        case "ses_sends_total", (stream, _):
            return stream, Rated(sends=count)
        case "ses_outcomes_total", (stream, kind, provider) if provider != Provider.AMAZON_SIMULATOR:
            return _outcome(stream, kind, count)
        case "ses_listed_bounces_total", (stream,):
            return stream, Rated(bounces=-count)
        case "ses_mail_reports_total", (stream, kind):  # SES does not see these, and anybody can write them
            return _outcome(stream, kind, -count)
        case _:
            return None


BAD = frozenset({OutcomeKind.HARD_BOUNCED, OutcomeKind.COMPLAINED})
"""Kinds of outcomes of which `rated` knows something to say."""


def _outcome(stream: str, kind: str, count: int) -> tuple[str, Rated] | None:
    if kind == OutcomeKind.HARD_BOUNCED:
        return stream, Rated(bounces=count)
    return (stream, Rated(complaints=count)) if kind == OutcomeKind.COMPLAINED else None


class Ratios:
    """A window for every stream, fed by what metrics count."""

    def __init__(self) -> None:
        """Begin without any stream."""
        self.streams: dict[str, Window] = {}

    def saw(self, name: str, labels: tuple[str, ...], count: int) -> None:
        """Take one increment of a metric, with its labels as they are exported; most metrics say nothing here."""
        found = rated(name, labels, count)
        if found is not None:
            stream, (sends, bounces, complaints) = found
            window = self.streams.setdefault(stream, Window())
            window.sent(sends)
            window.bounced(bounces)
            window.complained(complaints)

"""The shapes of a tale: what is asked for one after another, and how each request must end for each recipient.

A tale says both halves side by side: `Ask` what is requested and when, `Fate` what must become of it. So the ledger
owes nothing to the rules that it checks. Data only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """How a request ends for one recipient: each in exactly one of these."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    LOOPING = "looping"
    EXPIRED = "expired"
    WAITING = "waiting"


class Cue(StrEnum):
    """What must be seen of a person before the next thing is asked."""

    SUPPRESSED = "suppressed"
    RELEASED = "released"
    FLAGGED = "flagged"
    WAITING = "waiting"
    REPLIED = "replied"
    TURNED_AWAY = "turned away"


class Odd(StrEnum):
    """What is odd about a request."""

    NOTHING = "nothing"
    VIRUS = "virus"
    """It holds the EICAR test file, which SES accepts and then rejects."""
    STRANGER = "stranger"
    """Its sender is nobody whom SES knows."""
    PAST = "past"
    """It was to go out before the time at which it is asked for."""
    SOON = "soon"
    """It is not to go out at once."""
    TOMORROW = "tomorrow"
    """It is not to go out while the demo lasts."""
    TWICE = "twice"
    """It is published a second time, as a producer that tries again does."""
    ANSWER = "answer"
    """A machine answers a mail with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What must become of one request for one recipient.

    said: the kinds of its outcomes, attempt by attempt. mails: how many mails to this recipient SES accepts; their
    attempts are 1, 2 and so on.
    """

    end: End
    said: tuple[tuple[str, ...], ...] = ()
    mails: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request.

    to: which of the tale's people it is for, each with a fate of its own in *fates*.
    cue: what must be seen of the first of them before. behind: it must not go out before the last mail of the request
    that was asked for so many steps earlier. stream: where it matters which.
    """

    fates: tuple[Fate, ...]
    to: tuple[int, ...] = (0,)
    odd: Odd = Odd.NOTHING
    cue: Cue | None = None
    behind: int | None = None
    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An operator's instruction about the tale's first person: SUPPRESS or RELEASE."""

    action: str
    cue: Cue | None = None
    scope: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """What can happen; *share* is its part of all tales.

    people: a word for each that tells the simulator how their mailbox behaves; empty is anybody.
    stops: for each why they must not be written to in the end, None where they may be.
    loops: the first person's machine and ours answer each other, and that must be noticed.
    """

    name: str
    share: float
    steps: tuple[Ask | Order, ...]
    people: tuple[str, ...] = ("",)
    stops: tuple[str | None, ...] = (None,)
    loops: bool = False

    @property
    def requests(self) -> int:
        """Return how many requests it takes."""
        return sum(isinstance(step, Ask) for step in self.steps)


def ends(end: End, *said: tuple[str, ...]) -> Fate:
    """Return the fate of a request of which SES accepts a mail for each attempt, with the outcomes of each."""
    return Fate(end=end, said=said, mails=len(said))


def never(end: End, kind: str) -> Fate:
    """Return the fate of a request that never reaches SES, with the outcome that says so."""
    return Fate(end=end, said=((kind,),))

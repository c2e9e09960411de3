"""The parts of an answer about a mail: its steps, how far it got, what was found of it, and what is to come."""

from __future__ import annotations

from enum import StrEnum

from streams.answers.said import Moment, Rule, Said
from streams.mail.outcome import OutcomeKind


class Place(Said):
    """Where a record lies."""

    topic: str
    """The role of the topic, such as `feedback`."""
    partition: int
    offset: int


class StepKind(StrEnum):
    """What happened at a step."""

    REQUESTED = "REQUESTED"
    SENT = "SENT"
    SES_SAID = "SES_SAID"
    RETRY_DUE = "RETRY_DUE"
    DEAD_LETTER = "DEAD_LETTER"
    SILENCE = "SILENCE"
    """SES had said nothing for so long that it was counted."""


class Concluded(Said):
    """What a step says of one recipient."""

    recipient: str
    """Empty where nobody is known."""
    kind: OutcomeKind
    reason: str
    """Why, in SES's own words."""
    certain: bool
    status: str | None
    matched: bool
    """Whether a Send was found."""
    outcome_id: str
    furthest: bool
    """Whether it is as far as the mail has got with this recipient."""
    because: Rule
    follows: tuple[str, ...] = ()
    """What it means for the recipient by itself; what holds now, all things heard, says `Why`."""


class Step(Said):
    """One step in the life of a mail."""

    at: Moment
    """When it happened: of an SES event, the event's own time."""
    arrived_at: Moment | None = None
    """When its record came, by the broker's clock."""
    kind: StepKind
    says: str
    because: Rule
    concluded: tuple[Concluded, ...] = ()
    place: Place | None = None


class Furthest(Said):
    """How far a mail has got with one recipient."""

    recipient: str
    kind: OutcomeKind
    at: Moment


class Search(Said):
    """Which of the facts that were heard of a mail have been found again as records."""

    heard: int
    found: int
    complete: bool
    says: str


class Ahead(Said):
    """What happens next by itself."""

    at: Moment
    says: str
    because: Rule

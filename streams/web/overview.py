"""How it goes, as one model: what this worker sees, and what all workers see together. The page and the API show it.

Data, and the arithmetic by which workers are added up. Ratios are added as counts and divided after: an average of
ratios would be wrong. Where numbers come from is survey.py's business, how they look is the page's. An address stands
in `Notice.address` alone, and only for those who may see it; ask for an overview without, and there is none to leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.mail.outcome import OutcomeKind
from streams.observe.catalogue import LINES
from streams.observe.forecast import Counted, hours_until

ACCOUNT = "*"
"""What the streams together are called: SES rates an account, not a stream."""


ENOUGH_ENDS = 50
"""Of fewer mails to one provider a share says nothing."""


class Part(BaseModel):
    """A part of an overview: as it was made, and with nothing that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rates(Part):
    """What passes a second; bounces are hard and soft ones."""

    sends: float = 0.0
    outcomes: float = 0.0
    bounces: float = 0.0
    complaints: float = 0.0


class Step(Rates):
    """Rates over one step of the past."""

    until: datetime = Field(description="When the step ended.")


class Flow(Part):
    """What passes now, and what passed in the last minutes, oldest first."""

    now: Rates = Rates()
    steps: list[Step] = []


class Line(StrEnum):
    """Where a ratio is, by SES's lines."""

    BELOW = "below"
    REVIEW = "review"
    PAUSE = "pause"


class Gauge(Part):
    """One ratio against the lines at which SES reviews an account, and at which it may pause it."""

    ratio: float
    review: float
    pause: float
    line: Line
    review_in_hours: float | None = Field(description="At the rate of late; 0 is now, null is not at this rate.")
    pause_in_hours: float | None = Field(description="As review_in_hours.")


class Counts(Part):
    """Sends, and what SES rates of them."""

    sends: int = 0
    bounces: int = 0
    complaints: int = 0


class Reputation(Part):
    """How a stream stands with SES, by its last sends."""

    stream: str = Field(description="`*` is all of them together, as SES rates an account.")
    window: Counts = Field(description="What the ratios rest on: the last sends, 10,000 a stream and worker at most.")
    room: int = Field(description="How many sends the window holds at most.")
    lately: Counts = Field(description="What was counted of late; the forecast rests on it.")
    lately_seconds: float
    bounces: Gauge
    complaints: Gauge


class Provider(Part):
    """What became of the mail to one mailbox provider: in the last hour, or in more where that says too little."""

    provider: str
    outcomes: dict[str, int] = Field(description="By kind of outcome.")

    @property
    def ends(self) -> int:
        """Return how many mails came to an end: what was delivered, and what bounced."""
        return sum(self.outcomes.get(kind, 0) for kind in (OutcomeKind.DELIVERED, *BOUNCED))

    @property
    def bounced(self) -> int:
        """Return how many of them bounced, for good or for now."""
        return sum(self.outcomes.get(kind, 0) for kind in BOUNCED)


BOUNCED = (OutcomeKind.HARD_BOUNCED, OutcomeKind.SOFT_BOUNCED)


class Evidence(Part):
    """One event on which something rests."""

    message_id: str | None
    kind: str
    status: str | None = None


class Notice(Part):
    """Something that was said of a person of late."""

    at: datetime
    said: Literal["suppressed", "released", "looping", "cleared"]
    who: str = Field(description="A fingerprint, and the domain.")
    address: str | None = Field(default=None, description="Only where the token was given.")
    reason: str | None = None
    scope: str | None = None
    until: datetime | None = None
    replies: int | None = None
    evidence: list[Evidence] = []


class Partition(Part):
    """How far work is in one partition; *held* is left waiting on purpose, since SES takes no more for now."""

    topic: str
    partition: int
    lag: int
    held: bool = False
    worker: str


class Worker(Part):
    """How one worker is."""

    name: str
    version: str
    state: str
    live: bool
    ready: bool
    reasons: list[str] = []
    lag: int = 0
    recovery_remaining: int = 0
    committed_at: datetime | None = None
    since: datetime


class Stock(Part):
    """What there is, all workers together."""

    suppressions: dict[str, int] = {}
    loops: int = 0
    retries_pending: int = 0
    dead_letters: int = 0
    unmatched: int = 0
    paused: list[str] = Field(default=[], description="Streams of which nothing is sent now.")


class Overview(Part):
    """How it goes."""

    at: datetime
    workers: list[Worker]
    missing: list[str] = Field(default=[], description="Workers that did not answer: what they know is not in here.")
    flow: Flow
    account: Reputation
    streams: list[Reputation]
    providers: list[Provider]
    providers_minutes: float = Field(description="Over how many minutes the providers' outcomes were counted.")
    notices: list[Notice]
    partitions: list[Partition]
    stock: Stock


def moment(at: int) -> datetime:
    """Return *at*, ms since the epoch, as a time in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC)


def reputation(stream: str, window: Counts, room: int, lately: Counts, seconds: float) -> Reputation:
    """Return how a stream stands, from what was counted."""
    return Reputation(
        stream=stream,
        window=window,
        room=room,
        lately=lately,
        lately_seconds=seconds,
        bounces=_gauge("bounce", window, room, lately, seconds),
        complaints=_gauge("complaint", window, room, lately, seconds),
    )


def _gauge(kind: str, window: Counts, room: int, lately: Counts, seconds: float) -> Gauge:
    review, pause = LINES[kind, "review"], LINES[kind, "pause"]
    whole, new = (
        Counted(counts.sends, counts.bounces if kind == "bounce" else counts.complaints) for counts in (window, lately)
    )
    line = Line.PAUSE if whole.ratio >= pause else Line.REVIEW if whole.ratio >= review else Line.BELOW
    span = round(seconds * 1000)
    return Gauge(
        ratio=whole.ratio,
        review=review,
        pause=pause,
        line=line,
        review_in_hours=hours_until(review, whole, room, new, span),
        pause_in_hours=hours_until(pause, whole, room, new, span),
    )


def added(stream: str, parts: Sequence[Reputation]) -> Reputation:
    """Return the reputation of several streams, or of one on several workers, together."""
    return reputation(
        stream,
        _sum(part.window for part in parts),
        sum(part.room for part in parts),
        _sum(part.lately for part in parts),
        max((part.lately_seconds for part in parts), default=0.0),
    )


def _sum(counts: Iterable[Counts]) -> Counts:
    every = list(counts)
    return Counts(
        sends=sum(one.sends for one in every),
        bounces=sum(one.bounces for one in every),
        complaints=sum(one.complaints for one in every),
    )

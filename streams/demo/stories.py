"""The shapes of a story: mails to somebody, what SES says of each, and what must come of it.

A story says both halves side by side, in the author's own words: `Said` what SES reports and which outcome that must
be, `Ending` whom we must not write to afterwards. So the ledger owes nothing to the rules that it checks. Data only.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsn:
    """What the delivery report says: RFC 3464's action and status, and the server's own words."""

    status: str | None
    action: str | None = "failed"
    diagnostic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One event of SES about a mail, and the outcome kind that it must lead to (None: no outcome at all).

    event: SES's eventType. after: how long after the event before (ms, least and most).
    bounce: type and sub-type. complaint: complaintFeedbackType, None where the report has none.
    names_nobody: the list of recipients is empty. each: one event a recipient, all with one time stamp.
    certain: false where SES can only guess who it was. legacy: the older format knows this event too.
    """

    event: str
    means: str | None
    after: tuple[int, int]
    bounce: tuple[str, str] | None = None
    dsn: Dsn | None = None
    complaint: str | None = None
    delay: str | None = None
    names_nobody: bool = False
    each: bool = False
    certain: bool = True

    @property
    def legacy(self) -> bool:
        """True where the older format has this event too."""
        return self.event in ("Bounce", "Complaint", "Delivery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail of a story.

    to: which of the story's people get it. ago: sent this long (ms) before the story's own time.
    known: its Send is published; else upstream never told us. stand_in: SES's own SEND event comes.
    early: what SES says arrives before the Send does.
    """

    said: tuple[Said, ...] = ()
    to: tuple[int, ...] = (0,)
    ago: int = 0
    known: bool = True
    stand_in: bool = False
    early: bool = False


RELEASED = "RELEASED"
"""The reason of an ending in which somebody was suppressed, and may be written to again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it ends for one person: not to be written to, why, where, and for how long.

    days: None is for good. of_stream: only the story's stream, not all. rests_on: which mails are the evidence.
    counted_from: the mail whose last event the days run from.
    """

    reason: str
    days: int | None = None
    of_stream: bool = False
    rests_on: tuple[int, ...] = (0,)
    counted_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What can happen; *share* is its part of all stories, *streams* where it can happen (empty: anywhere).

    regulars: told of regular recipients, who get other mail too; else of people of its own, one mailbox provider.
    endings: one for each of the story's people; None is a person whom we may go on writing to.
    """

    name: str
    share: float
    mails: tuple[Mail, ...]
    regulars: bool = False
    endings: tuple[Ending | None, ...] = (None,)
    streams: tuple[str, ...] = ()

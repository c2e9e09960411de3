"""What a report about a mail of ours is worth where it came as a mail itself: anybody can write one.

SES's own events come signed, or from a queue of ours; a mail comes from whoever wants to send one. So a report by mail
bears a word of its own as its sub-type, says only what no forger gains by, and hop 1 lets it out only where it knows
the Send and the recipient is one of those to whom that went.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from streams.mail.feedback import FeedbackKind
from streams.mail.records import FeedbackRecord

MAIL_REPORT = "MailReport"
"""The sub-type of a bounce or a complaint, and the type of a delay, that came as a mail."""

_WORD = MAIL_REPORT.lower()
_FIELDS: dict[str, str] = {
    FeedbackKind.BOUNCE: "bounce_subtype",
    FeedbackKind.COMPLAINT: "complaint_subtype",
    FeedbackKind.DELIVERY_DELAY: "delay_type",
}


class Told(NamedTuple):
    """A row: what a report says (a DSN's Action, ARF's Feedback-Type), what that is to us, and why; None is nothing."""

    word: str
    kind: FeedbackKind | None
    why: str


ACTIONS = (
    Told("failed", FeedbackKind.BOUNCE, "RFC 3464 2.3.3: it was given up"),
    Told("delayed", FeedbackKind.DELIVERY_DELAY, "it is still tried; changes nothing for anybody"),
    Told("delivered", None, "SES says so itself; forged, it would clear soft bounces and call off retries"),
    Told("relayed", None, "as delivered, and into a place that says no more"),
    Told("expanded", None, "as delivered, to a list"),
)
"""What becomes of each Action of a DSN; one that is not here is nothing."""

FEEDBACK_TYPES = (
    Told("abuse", FeedbackKind.COMPLAINT, "RFC 5965 7.3: a person called it spam"),
    Told("fraud", FeedbackKind.COMPLAINT, "a person called it fraud"),
    Told("virus", FeedbackKind.COMPLAINT, "found a virus in it"),
    Told("other", FeedbackKind.COMPLAINT, "a complaint of some other sort"),
    Told("opt-out", FeedbackKind.COMPLAINT, "an early draft's word, which some providers still send"),
    Told("not-spam", None, "it releases; a word that anybody can write may stop us, never make us go on"),
    Told("auth-failure", None, "RFC 6591: about our domain, mostly of mails that others forged"),
    Told("dmarc", None, "as auth-failure"),
)
"""What becomes of each Feedback-Type of ARF; one that is not here is nothing."""


def told(rows: Collection[Told], word: str) -> FeedbackKind | None:
    """Return what *word* (lower case) is to us by a table; None where it is nothing."""
    return next((row.kind for row in rows if row.word == word), None)


def is_mail_report(feedback: FeedbackRecord) -> bool:
    """Tell whether an event came as a mail, so that nobody has vouched for it."""
    field = _FIELDS.get(feedback["kind"])
    return field is not None and (feedback[field] or "").lower() == _WORD  # type: ignore[literal-required]  # of three

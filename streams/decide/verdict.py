"""What one SES event says about each recipient: the step from SES's words to ours.

One event gives a verdict per recipient it is about; an event that says nothing about anybody's mail (a Send, a
subscription, a type that we do not know) gives none. Where SES names nobody, the mail's destinations stand in, and
where they are several, that is a guess and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import NamedTuple

from streams.decide.bounce import BounceClass, classify, lacks_dsn, status_of
from streams.decide.mailreport import MAIL_REPORT, is_mail_report
from streams.mail.outcome import OutcomeKind
from streams.mail.records import FeedbackRecord, RecipientRecord
from streams.mail.unsubscribe import OURS

NOT_SPAM = "not-spam"
UNSUBSCRIBED_WORDS = frozenset({"unsubscribed-all", "unsubscribed-topic"}) | OURS


class Verdict(NamedTuple):
    """What an event says about one recipient; *certain* is false where SES can only guess that it was this one."""

    recipient: str
    kind: OutcomeKind
    reason: str
    certain: bool
    status: str | None
    written: str | None


SIMPLE_KINDS = {
    "DELIVERY": OutcomeKind.DELIVERED,
    "REJECT": OutcomeKind.REJECTED,
    "DELIVERY_DELAY": OutcomeKind.DELAYED,
    "RENDERING_FAILURE": OutcomeKind.RENDERING_FAILED,
    "OPEN": OutcomeKind.OPENED,
    "CLICK": OutcomeKind.CLICKED,
    "AUTO_REPLY": OutcomeKind.AUTO_REPLIED,
}
"""SES's kinds that mean one thing whatever else the event says."""

BOUNCE_KINDS = {
    BounceClass.HARD: OutcomeKind.HARD_BOUNCED,
    BounceClass.SES_LIST: OutcomeKind.HARD_BOUNCED,
    BounceClass.UNSUBSCRIBED: OutcomeKind.UNSUBSCRIBED,
    BounceClass.SOFT: OutcomeKind.SOFT_BOUNCED,
    BounceClass.AUTO_REPLY: OutcomeKind.AUTO_REPLIED,
}

GUESSED = frozenset({"COMPLAINT", "OPEN", "CLICK", "SUBSCRIPTION"})
"""Kinds for which several recipients mean "one of these": SES lists everyone who may have complained or clicked."""


def outcome_digest(kind: str, feedback_id: str, recipient: str) -> bytes:
    """Return the id of what one event says about one recipient: the same for ever, 16 bytes.

    The kind takes part, because a bounce and a complaint may bear the same feedbackId (AWS's own examples do).
    """
    return blake2b(f"{kind}\0{feedback_id}\0{recipient}".encode(), digest_size=16).digest()


def verdicts(feedback: FeedbackRecord, others: Sequence[str] = ()) -> list[Verdict]:
    """Return what *feedback* says about each recipient.

    *others* are addresses to fall back on where the event names nobody: the mail's destinations, or the Send's
    recipients. Where nobody is known at all, the one verdict has an empty recipient, so that nothing is lost.
    """
    kind = feedback["kind"]
    simple = SIMPLE_KINDS.get(kind)
    named = feedback["recipients"]
    if simple is not None and len(named) == 1:
        return [_of(feedback, named[0], simple, certain=True)]
    recipients = named or [_bare(address) for address in others or ("",)]
    certain = len(recipients) == 1 or (bool(named) and kind not in GUESSED)
    if kind == "BOUNCE":
        return _bounced(feedback, recipients, certain=certain)
    means = simple or _means(feedback)
    return [] if means is None else [_of(feedback, r, means, certain=certain) for r in recipients]


def needs_no_send(feedback: FeedbackRecord) -> bool:
    """Tell whether an event is about a person and a stream, and no mail: somebody left by a link or a mail of ours."""
    return feedback["kind"] == "SUBSCRIPTION" and feedback["reason"] in OURS


def fits(verdict: Verdict, feedback: FeedbackRecord, sent_to: Collection[str]) -> bool:
    """Tell whether a report by mail counts for one recipient: it is one of those to whom we sent, beyond doubt.

    Where the report names nobody, it can only be the one to whom the mail went alone.
    """
    return verdict.recipient in sent_to and (bool(feedback["recipients"]) or len(sent_to) == 1)


def _of(feedback: FeedbackRecord, recipient: RecipientRecord, kind: OutcomeKind, *, certain: bool) -> Verdict:
    """Return the verdict on one recipient."""
    status = status_of(recipient) if recipient["diagnostic"] else recipient["status"]
    return Verdict(recipient["address"], kind, _reason(feedback), certain, status, recipient["written"])


def _bounced(feedback: FeedbackRecord, recipients: list[RecipientRecord], *, certain: bool) -> list[Verdict]:
    """Return a verdict per bounced recipient; each has its own DSN, so each has its own class."""
    no_dsn = lacks_dsn(feedback)
    said = feedback["bounce_type"], feedback["bounce_subtype"]
    return [
        _of(feedback, r, BOUNCE_KINDS[classify(*said, status_of(r), no_dsn=no_dsn)], certain=certain)
        for r in recipients
    ]


def _means(feedback: FeedbackRecord) -> OutcomeKind | None:
    """Return what a complaint or a subscription change means; None for an event that says nothing of anybody."""
    if feedback["kind"] == "COMPLAINT":
        rescued = (feedback["complaint_type"] or "").lower() == NOT_SPAM
        return OutcomeKind.NOT_SPAM if rescued else OutcomeKind.COMPLAINED
    if feedback["kind"] == "SUBSCRIPTION" and feedback["reason"] in UNSUBSCRIBED_WORDS:
        return OutcomeKind.UNSUBSCRIBED
    return None


def _reason(feedback: FeedbackRecord) -> str:
    """Return why, in SES's own words: Type/SubType of a bounce, the type of a complaint, the delay, the refusal."""
    match feedback["kind"]:
        case "DELIVERY":
            return ""
        case "BOUNCE":
            return f"{feedback['bounce_type'] or ''}/{feedback['bounce_subtype'] or ''}"
        case "COMPLAINT":
            subtype, means = feedback["complaint_subtype"] or "", feedback["complaint_type"] or ""
            return f"{MAIL_REPORT}/{means}" if is_mail_report(feedback) else subtype or means
        case "DELIVERY_DELAY":
            return feedback["delay_type"] or ""
        case _:
            return feedback["reason"] or ""


def _bare(address: str) -> RecipientRecord:
    """Return a recipient of whom nothing is known but the address."""
    return {"address": address, "status": None, "action": None, "diagnostic": None, "written": None}

"""What the records of a mail say, in a sentence each, and which rule reads an outcome out of an event."""

from __future__ import annotations

from typing import Any

from streams.answers.rules import Rules
from streams.answers.said import Rule
from streams.decide.bounce import BAD_ADDRESS_CODES, decided_by, lacks_dsn
from streams.decide.mailreport import is_mail_report
from streams.mail.feedback import FeedbackKind
from streams.mail.outcome import OutcomeKind

Record = dict[str, Any]

LONGEST = 300
"""Characters of a server's own words that are shown."""

_EVENTS: dict[str, str] = {
    FeedbackKind.SEND: "SES has the mail",
    FeedbackKind.DELIVERY: "delivered",
    FeedbackKind.BOUNCE: "bounced",
    FeedbackKind.COMPLAINT: "complaint",
    FeedbackKind.REJECT: "rejected by SES",
    FeedbackKind.DELIVERY_DELAY: "delayed",
    FeedbackKind.RENDERING_FAILURE: "the template could not be filled in",
    FeedbackKind.OPEN: "opened",
    FeedbackKind.CLICK: "a link was followed",
    FeedbackKind.SUBSCRIPTION: "subscription changed",
    FeedbackKind.AUTO_REPLY: "a machine answered",
}

_READ: dict[OutcomeKind, str] = {
    OutcomeKind.DELIVERED: "delivered",
    OutcomeKind.COMPLAINED: "complained",
    OutcomeKind.NOT_SPAM: "fetched",
    OutcomeKind.REJECTED: "rejected",
    OutcomeKind.RENDERING_FAILED: "not-rendered",
    OutcomeKind.DELAYED: "delayed",
    OutcomeKind.OPENED: "opened",
    OutcomeKind.CLICKED: "clicked",
    OutcomeKind.UNSUBSCRIBED: "left",
    OutcomeKind.AUTO_REPLIED: "answered",
}


def event(says: Record) -> str:
    """Return what SES says by an event."""
    what = _EVENTS.get(says["kind"], f"an event of a kind that is not known ({says['reason'] or 'no type'})")
    detail = {
        FeedbackKind.BOUNCE: f"{says['bounce_type'] or 'no type'}/{says['bounce_subtype'] or 'no sub-type'}",
        FeedbackKind.COMPLAINT: says["complaint_type"] or says["complaint_subtype"] or "",
        FeedbackKind.DELIVERY_DELAY: says["delay_type"] or "",
        FeedbackKind.CLICK: says["link"] or "",
    }.get(says["kind"], says["reason"] if says["kind"] in _EVENTS else "")
    quoted = _server(says)
    by_mail = " (a report by mail, for which nobody vouches)" if is_mail_report(says) else ""  # type: ignore[arg-type]  # by schema
    return f"{what}{f': {detail}' if detail else ''}{by_mail}{f'; {quoted}' if quoted else ''}"


def _server(says: Record) -> str:
    """Return the receiving server's own words."""
    diagnostics = (recipient["diagnostic"] for recipient in says["recipients"])
    words = next(filter(None, diagnostics), says["smtp_response"] or "")
    return f'"{words[:LONGEST]}"' if words else ""


def sent(says: Record) -> str:
    """Return what a Send says."""
    to = f"{len(says['recipients'])} recipient{'' if len(says['recipients']) == 1 else 's'}"
    by = "by a service upstream" if says["via"] == "UPSTREAM" else f"by {says['via']}"
    return f"handed to SES {by}, attempt {says['attempt']}{_of(says['stream'])}, to {to}"


def requested(says: Record) -> str:
    """Return what a request says."""
    many = sum(len(says[name]) for name in ("to", "cc", "bcc"))
    return f"asked for{_of(says['stream'])}, from {says['from_address']}, to {many} recipient{'' if many == 1 else 's'}"


def retried(says: Record) -> str:
    """Return what a retry says."""
    return f"attempt {says['attempt']} is due for {says['recipient']}, because of {says['because']}"


def set_aside(says: Record) -> str:
    """Return what a dead letter says."""
    where = f"{says['topic']}/{says['partition']} at offset {says['offset']}"
    return f"set aside by {says['stage']}: {says['reason']}, {where}. ses-streams dead-letters list shows it"


def _of(stream: str) -> str:
    return f", stream {stream}" if stream else ""


def reading(outcome: Record, rules: Rules) -> Rule:
    """Return the rule that reads an outcome out of its event."""
    said = outcome["feedback"]
    if not outcome["certain"]:
        return rules("guess")
    if said["kind"] != FeedbackKind.BOUNCE:
        return rules(_READ.get(OutcomeKind(outcome["kind"]), "heard"))
    status, bare = outcome["status"], lacks_dsn(said)
    row = decided_by(said["bounce_type"], said["bounce_subtype"], status, no_dsn=bare)
    dsn = "no delivery report" if bare else f"status {status or 'unknown'}"
    return rules(
        "bounce",
        type=said["bounce_type"] or "-",
        subtype=said["bounce_subtype"] or "-",
        dsn=f"{dsn} (a bad address)" if status in BAD_ADDRESS_CODES and not bare else dsn,
        why=row.why,
    )

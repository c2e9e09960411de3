"""A received mail to a `Feedback`: a machine's answer to a mail of ours, a report about one, or somebody who leaves.

Mail comes as SES's `Received` notification (SNS action, or the alert of an S3 or Lambda action; Lambda's own record
has no word for its type) or raw, as S3 keeps it. All other mail, a person's answer above all, is no event: nothing of
it goes any further, not as a dead letter either. The body is left out: what people write to each other is not ours to
keep, and no rule needs it. Which headers make an auto-reply is decided in decide/autoreply.py; reports are read in
reports.py, and what a person wants who writes to the address for leaving in unsubscribes.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.decide.autoreply import JUDGED, judge_headers
from streams.errors import Unusable
from streams.intake.answered import answered_id, answerer, came_to
from streams.intake.bodies import MAX_MAIL_BYTES
from streams.intake.fields import headers, items, mapping, text, word
from streams.intake.jsontext import dump
from streams.intake.mime import Headers, content_bytes, decoded, head_of, received_time, unfolded
from streams.intake.reports import Report, read_report
from streams.intake.times import read_time
from streams.intake.unsubscribes import Leaving, Unsubscribes
from streams.intake.verdicts import Verdicts, by_headers, by_receipt
from streams.mail.deadletter import DeadReason
from streams.mail.feedback import Feedback, FeedbackKind
from streams.mail.identity import derived_id

UNKNOWN_TIME = 0
"""What occurred_at says of a mail of which no time is known, as for SES's events: 1970, never the clock."""

KEPT = JUDGED | {"in-reply-to", "references", "message-id", "date", "sender"}
"""The headers that are kept beside the facts: what the verdict, the join and the id rest on. No subject."""

_RECEIVED = "received"
_CONTENT = "content"
_MOST_VALUES = 8
_LONGEST_VALUE = 2_000  # what is kept is evidence; a References of a long thread goes on for pages


def is_received(event: Mapping[str, Any]) -> bool:
    """Tell whether an event of SES is about mail that it received for us; Lambda's record says so by its `receipt`."""
    written = word(event.get("eventType")) or word(event.get("notificationType"))
    return "receipt" in event if written is None else written.lower() == _RECEIVED


def read_received(
    event: dict[str, Any], posted_at: int | None = None, unsubscribes: Unsubscribes | None = None
) -> Feedback | None:
    """Return what a Received notification says; None for any other mail.

    Args:
        event: the notification, parsed.
        posted_at: the time of its envelope, ms since the epoch; counts only where the notification has none.
        unsubscribes: how to read mail from people who leave; without it there is none.

    Raises:
        Unusable: BAD_TIME: it says something about a mail of ours, and its time is there and cannot be read.

    """
    mail, receipt = mapping(event.get("mail")), mapping(event.get("receipt"))
    content = _content(event, receipt)
    head = _head(mail, content)
    envelope_to = [
        to for to in (*items(receipt.get("recipients")), *items(mail.get("destination"))) if isinstance(to, str)
    ]
    found = _found(content, head, envelope_to, by_receipt(receipt), unsubscribes)
    if found is None:
        return None
    at = _time(mail, receipt)
    return _feedback(
        found,
        head,
        occurred_at=next((t for t in (at, posted_at, received_time(head)) if t is not None), UNKNOWN_TIME),
        envelope_from=word(mail.get("source")),
        envelope_to=envelope_to,
        raw=_as_ses_sent_it(event) if isinstance(found, tuple) else None,
    )


def read_mail(mail: bytes, at: int = UNKNOWN_TIME, unsubscribes: Unsubscribes | None = None) -> Feedback | None:
    """Return what a raw mail says; None for any other mail, and for bytes that are no mail.

    Its time is the one of its newest Received line, else its Date, else *at* (ms since the epoch). Its `raw` is the
    JSON of the headers that were looked at.
    """
    head = head_of(mail)
    found = _found(mail, head, head.get("x-original-to", []), by_headers(head), unsubscribes)
    if found is None:
        return None
    when = received_time(head)
    return _feedback(found, head, occurred_at=at if when is None else when)


Found = Leaving | Report | tuple[str, str]
"""Somebody leaves; a report about a mail of ours; a machine's answer: to which mail, and how we know."""


def _found(
    mail: bytes, head: Headers, envelope_to: Sequence[str], verdicts: Verdicts, unsubscribes: Unsubscribes | None
) -> Found | None:
    """Return what a mail says; None for one that says nothing to us."""
    leaving = None if unsubscribes is None else unsubscribes.read(head, envelope_to, verdicts)
    if leaving is not None:
        return leaving
    return None if verdicts.unwanted else read_report(mail, head) or _auto_reply(head)


def _auto_reply(head: Headers) -> tuple[str, str] | None:
    """Return the id of the mail of ours that is answered by a machine, and how we know; None for any other mail."""
    message_id = answered_id(head)
    if message_id is None:
        return None
    verdict = judge_headers(head, decoded(next(iter(head.get("subject", ())), "")))
    return None if verdict is None else (message_id, verdict.reason)


def _feedback(  # noqa: PLR0913 - what the two forms of a received mail have in common, by name
    found: Found,
    head: Headers,
    *,
    occurred_at: int,
    raw: str | None = None,
    envelope_from: str | None = None,
    envelope_to: Sequence[str] = (),
) -> Feedback:
    """Return what is said. The mail's own destinations are ours, so they are not *destination*."""
    kept = _kept(head)
    raw = dump({"headers": kept}) if raw is None else raw
    if not isinstance(found, tuple):
        return found.feedback(occurred_at=occurred_at, headers=kept, raw=raw)
    message_id, reason = found
    who = answerer(head, envelope_from)
    return Feedback(
        kind=FeedbackKind.AUTO_REPLY,
        occurred_at=occurred_at,
        feedback_id=_id(message_id, head),
        message_id=message_id,
        recipients=() if who is None else (who,),
        reason=reason,
        source=came_to(head, envelope_to),
        headers=kept,
        raw=raw,
    )


def _as_ses_sent_it(event: Mapping[str, Any]) -> str:
    """Return the notification, without the mail."""
    return dump({name: value for name, value in event.items() if name != _CONTENT})


def _content(event: Mapping[str, Any], receipt: Mapping[str, Any]) -> bytes:
    """Return the mail itself, at most so much of it as is looked at.

    Text is what SES sends along; bytes are what somebody has fetched from where SES keeps it.
    """
    fetched = event.get(_CONTENT)
    if isinstance(fetched, bytes):
        return fetched[:MAX_MAIL_BYTES]
    content = text(fetched)
    if content is None:
        return b""
    return content_bytes(content, word(mapping(receipt.get("action")).get("encoding")), MAX_MAIL_BYTES)


def _head(mail: Mapping[str, Any], content: bytes) -> Headers:
    """Return the headers of the mail: SES's list, or the mail's own where that list is cut off, empty or missing."""
    listed = {name: [unfolded(value) for value in values] for name, values in headers(mail.get("headers")).items()}
    if content and (not listed or mail.get("headersTruncated") is True):
        listed = head_of(content) or listed
    common = mapping(mail.get("commonHeaders"))
    for name, field in (("from", "from"), ("to", "to"), ("message-id", "messageId"), ("subject", "subject")):
        said = [value for value in items(common.get(field)) if isinstance(value, str)]
        if said:
            listed.setdefault(name, said)
    source = mail.get("source")
    if isinstance(source, str):  # the envelope's sender; an empty one is how SMTP's MAIL FROM:<> is written
        listed.setdefault("return-path", [source.strip() or "<>"])
    return listed


def _time(mail: Mapping[str, Any], receipt: Mapping[str, Any]) -> int | None:
    """Return when SES received the mail; None where it does not say."""
    written = text(mail.get("timestamp")) or text(receipt.get("timestamp"))
    if written is None:
        return None
    try:
        return read_time(written)
    except (ValueError, OverflowError):
        raise Unusable(DeadReason.BAD_TIME, "the received mail's timestamp is not an ISO 8601 time") from None


def _id(message_id: str, head: Headers) -> str:
    """Return the name of an auto-reply: the same, whether it came by SNS, by S3, or both.

    Made of the mail's own Message-ID. Without one, of its Date and From: of what it says itself, not of when or how
    it came.
    """
    own = next((value.strip("<> ") for value in head.get("message-id", ())), "")
    said = [own] if own else ["", *head.get("date", ())[:1], *head.get("from", ())[:1]]
    return derived_id(message_id, FeedbackKind.AUTO_REPLY, UNKNOWN_TIME, *said)


def _kept(head: Headers) -> Headers:
    """Return the headers that are kept, cut to a bound; the nearest mails of a thread stand at its end."""
    cuts = {"references": slice(-_LONGEST_VALUE, None)}
    return {
        name: [value[cuts.get(name, slice(_LONGEST_VALUE))] for value in values[:_MOST_VALUES]]
        for name, values in head.items()
        if name in KEPT
    }

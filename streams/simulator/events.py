"""What SES says of a mail, as JSON: one event in either of SES's two formats.

Event publishing (`eventType`, with tags) and the older feedback notification (`notificationType`, with sourceIp and
callerIdentity), field for field as the SES developer guide has them ("Contents of event data that Amazon SES publishes
to Amazon SNS", "Amazon SNS notification contents for Amazon SES"). The same event in both has the same ids and times.
No chance and no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import getaddresses
from typing import Any

from streams.simulator.fates import MAILBOX, Event
from streams.simulator.life import Happening
from streams.simulator.mail import Mail, Via, bare, domain_of
from streams.simulator.words import Form

Json = dict[str, Any]

ACCOUNT = "123456789012"
"""The account's number, as AWS's own examples have it."""

HEADERS_LIMIT = 10 * 1024
"""Bytes of headers after which SES cuts them off, and says so."""

NOTIFIED = frozenset({Event.BOUNCE, Event.COMPLAINT, Event.DELIVERY})
"""What the older format has."""

_HALF_A_DAY = 14 * 3_600_000  # how long SES goes on trying, by default
_MTA = "a8-17.smtp-out.amazonses.com"
_THEIRS = "198.51.100.25"  # RFC 5737: an address for examples
_READER = {"ipAddress": "203.0.113.9", "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"}


def iso(at: int) -> str:
    """Return ms since the epoch as SES writes times."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"


def event_of(mail: Mail, happening: Happening, part: object, form: Form) -> Json:
    """Return one event; *part* is what `mail_part` made of the mail, or that as bytes for orjson."""
    word = "eventType" if form is Form.EVENTS else "notificationType"
    event = happening.turn.event
    return {word: event.value, "mail": part, **_BODIES[event](mail, happening)}


def mail_part(mail: Mail, region: str, form: Form) -> Json:
    """Return the `mail` object of a mail's events."""
    submission = mail.submission
    sender_domain = domain_of(bare(submission.sender))
    headers, cut = _headers(submission.headers)
    found: Json = {
        "timestamp": iso(mail.at),
        "source": submission.sender,
        "sourceArn": f"arn:aws:ses:{region}:{ACCOUNT}:identity/{sender_domain}",
        "sendingAccountId": ACCOUNT,
        "messageId": mail.message_id,
        "destination": list(dict.fromkeys(submission.recipients)),
        "headersTruncated": cut,
        "headers": headers,
        "commonHeaders": _common(mail),
    }
    if form is Form.NOTIFICATIONS:
        return found | {"sourceIp": submission.source_ip, "callerIdentity": "simulator"}
    return found | {"tags": _tags(mail, sender_domain)}


def _headers(written: tuple[tuple[str, str], ...]) -> tuple[list[Json], bool]:
    """Return the headers as SES lists them, and whether some were left out."""
    found: list[Json] = []
    size = 0
    for name, value in written:
        size += len(name) + len(value) + 4
        if size > HEADERS_LIMIT:
            return found, True
        found.append({"name": name, "value": value})
    return found, False


def _common(mail: Mail) -> Json:
    """Return the headers that SES takes apart. Its messageId is the sender's own, where there is one."""
    by_name: dict[str, str] = {}
    for name, value in mail.submission.headers:
        by_name.setdefault(name.lower(), value)
    found: Json = {"returnPath": bare(mail.submission.sender)}
    for name, key in (("from", "from"), ("reply-to", "replyTo"), ("to", "to"), ("cc", "cc")):
        if name in by_name:
            found[key] = _listed(by_name[name])
    if "date" in by_name:
        found["date"] = by_name["date"]
    found["messageId"] = by_name.get("message-id", mail.message_id)
    if "subject" in by_name:
        found["subject"] = by_name["subject"]
    return found


def _listed(written: str) -> list[str]:
    """Return a header's addresses one by one, with their names."""
    if '"' not in written:
        return [one.strip() for one in written.split(",")]
    return [f'"{name}" <{address}>' if name else address for name, address in getaddresses([written])]


def _tags(mail: Mail, sender_domain: str) -> dict[str, list[str]]:
    """Return SES's own tags and the sender's."""
    submission = mail.submission
    own = {
        "ses:operation": "SendEmail" if submission.via is Via.API else "SendSmtpEmail",
        "ses:source-ip": submission.source_ip,
        "ses:from-domain": sender_domain,
        "ses:caller-identity": "simulator",
    }
    if submission.configuration_set is not None:
        own["ses:configuration-set"] = submission.configuration_set
    if submission.tls is not None:
        own["ses:source-tls-version"] = submission.tls
    return {name: [value] for name, value in (own | dict(submission.tags)).items()}


def _delivery(mail: Mail, happening: Happening) -> Json:
    host = domain_of(happening.about[0])
    said = "250 2.6.0 Message received" if host == MAILBOX else f"250 2.0.0 OK accepted by mx.{host}"
    return {
        "delivery": {
            "timestamp": iso(happening.at),
            "processingTimeMillis": happening.at - mail.at,
            "recipients": list(happening.about),
            "smtpResponse": said,
            "remoteMtaIp": _THEIRS,
            "reportingMTA": _MTA,
        }
    }


def _bounce(_: Mail, happening: Happening) -> Json:
    kind, subtype = happening.turn.bounce
    found: Json = {
        "feedbackId": happening.feedback_id,
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [_with_dsn(happening, address, action=True) for address in happening.about],
        "timestamp": iso(happening.at),
    }
    if happening.turn.dsn is not None:
        found |= {"remoteMtaIp": _THEIRS, "reportingMTA": f"dns; {_MTA}"}
    return {"bounce": found}


def _with_dsn(happening: Happening, address: str, *, action: bool) -> Json:
    """Return one recipient; without a DSN there is only the address, which is how auto-replies look."""
    dsn = happening.turn.dsn
    if dsn is None:
        return {"emailAddress": address}
    said = {"action": dsn.action} if action else {}
    return {"emailAddress": address, **said, "status": dsn.status, "diagnosticCode": dsn.diagnostic}


def _complaint(mail: Mail, happening: Happening) -> Json:
    return {
        "complaint": {
            "feedbackId": happening.feedback_id,
            "complaintSubType": None,
            "complainedRecipients": [{"emailAddress": address} for address in happening.about],
            "timestamp": iso(happening.at),
            "userAgent": happening.turn.agent,
            "complaintFeedbackType": happening.turn.complaint,
            "arrivalDate": iso(mail.at),
        }
    }


def _delay(mail: Mail, happening: Happening) -> Json:
    return {
        "deliveryDelay": {
            "timestamp": iso(happening.at),
            "delayType": happening.turn.delay,
            "expirationTime": iso(mail.at + _HALF_A_DAY),
            "delayedRecipients": [_with_dsn(happening, address, action=False) for address in happening.about],
        }
    }


def _failure(mail: Mail, _: Happening) -> Json:
    failure = mail.submission.failure
    template, words = ("", "") if failure is None else failure
    return {"failure": {"templateName": template, "errorMessage": words}}


def _opened(_: Mail, happening: Happening) -> Json:
    return {"open": {"timestamp": iso(happening.at), **_READER}}


def _clicked(_: Mail, happening: Happening) -> Json:
    where = {"link": "https://www.example.com/offers", "linkTags": {"place": ["headline"]}}
    return {"click": {"timestamp": iso(happening.at), **_READER, **where}}


_BODIES: dict[Event, Callable[[Mail, Happening], Json]] = {
    Event.SEND: lambda _mail, _happening: {"send": {}},
    Event.DELIVERY: _delivery,
    Event.BOUNCE: _bounce,
    Event.COMPLAINT: _complaint,
    Event.REJECT: lambda _mail, _happening: {"reject": {"reason": "Bad content"}},
    Event.RENDERING_FAILURE: _failure,
    Event.DELIVERY_DELAY: _delay,
    Event.OPEN: _opened,
    Event.CLICK: _clicked,
}

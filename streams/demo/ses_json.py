"""SES's side of a story as JSON: one event in either of SES's two formats, as the developer guide shows them.

Event publishing (`eventType`, with tags) and the older feedback notification (`notificationType`, with sourceIp and
callerIdentity). The same event in both formats has the same ids and times, as in an account where both are on.
No chance and no clock: what varies comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.demo.stories import DAY, Said

Json = dict[str, Any]

ACCOUNT = "123456789012"
OUR_DOMAIN = "shop.example.com"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SUBJECTS = {
    "receipts": "Your receipt",
    "newsletter": "News of the week",
    "alerts": "Something needs you",
    "password-reset": "Set a new password",
    "invoices": "Your invoice",
    "digest": "What you missed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One mail as SES took it: *recipients* as SES writes them, *sent_at* in ms since the epoch."""

    message_id: str
    sent_at: int
    recipients: tuple[str, ...]
    stream: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event about *mail*: what is said, when it happened, about whom, and SES's own id for it."""

    mail: Posted
    said: Said
    at: int
    about: tuple[str, ...]
    feedback_id: str


def event_of(told: Told, *, legacy: bool) -> Json:
    """Return the event as SES would write it; *legacy* asks for the older format (bounce, complaint, delivery only)."""
    said = told.said
    head = {"notificationType": said.event} if legacy else {"eventType": said.event}
    return {**head, "mail": _mail(told.mail, legacy=legacy), **_BODIES[said.event](told)}


def iso(at: int) -> str:
    """Return ms since the epoch as SES writes times."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03d}Z"


def _mail(mail: Posted, *, legacy: bool) -> Json:
    """Return the `mail` object."""
    subject = SUBJECTS[mail.stream]
    found: Json = {
        "timestamp": iso(mail.sent_at),
        "source": mail.sender,
        "sourceArn": f"arn:aws:ses:eu-west-1:{ACCOUNT}:identity/{OUR_DOMAIN}",
        "sendingAccountId": ACCOUNT,
        "messageId": mail.message_id,
        "destination": list(mail.recipients),
    }
    if legacy:
        return found | {"sourceIp": "192.0.2.17", "callerIdentity": "mailer"}
    return found | {
        "headersTruncated": False,
        "headers": [{"name": "From", "value": mail.sender}, {"name": "Subject", "value": subject}],
        "commonHeaders": {"from": [mail.sender], "to": list(mail.recipients), "subject": subject},
        "tags": {
            "ses:configuration-set": [mail.stream],
            "ses:from-domain": [OUR_DOMAIN],
            "ses:caller-identity": ["mailer"],
            "stream": [mail.stream],
        },
    }


def _delivery(told: Told) -> Json:
    host = told.about[0].rpartition("@")[2].lower()
    return {
        "delivery": {
            "timestamp": iso(told.at),
            "processingTimeMillis": max(0, told.at - told.mail.sent_at),
            "recipients": list(told.about),
            "smtpResponse": f"250 2.0.0 OK accepted by mx.{host}",
            "reportingMTA": "a4-17.smtp-out.eu-west-1.amazonses.com",
        }
    }


def _bounce(told: Told) -> Json:
    kind, subtype = told.said.bounce or ("Undetermined", "Undetermined")
    found: Json = {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [_bounced(told, address) for address in told.about],
        "timestamp": iso(told.at),
        "feedbackId": told.feedback_id,
    }
    if told.said.dsn is not None:
        found["reportingMTA"] = "dns; a4-17.smtp-out.eu-west-1.amazonses.com"
    return {"bounce": found}


def _bounced(told: Told, address: str) -> Json:
    dsn = told.said.dsn
    if dsn is None:
        return {"emailAddress": address}
    fields = {"emailAddress": address, "action": dsn.action, "status": dsn.status, "diagnosticCode": dsn.diagnostic}
    return {name: value for name, value in fields.items() if value is not None}


def _complaint(told: Told) -> Json:
    found: Json = {
        "complainedRecipients": [{"emailAddress": address} for address in told.about],
        "timestamp": iso(told.at),
        "feedbackId": told.feedback_id,
        "complaintSubType": None,
    }
    if told.said.complaint is not None:
        report = {"userAgent": "ExampleFeedbackLoop/1.0", "complaintFeedbackType": told.said.complaint}
        found |= report | {"arrivalDate": iso(told.mail.sent_at + 2_000)}
    return {"complaint": found}


def _delay(told: Told) -> Json:
    dsn = told.said.dsn
    about: list[Json] = [{"emailAddress": address} for address in told.about]
    if dsn is not None:
        about = [one | {"status": dsn.status, "diagnosticCode": dsn.diagnostic} for one in about]
    return {
        "deliveryDelay": {
            "delayType": told.said.delay,
            "delayedRecipients": about,
            "expirationTime": iso(told.mail.sent_at + DAY // 2),
            "timestamp": iso(told.at),
        }
    }


def _open(told: Told) -> Json:
    return {"open": {"ipAddress": "198.51.100.7", "timestamp": iso(told.at), "userAgent": BROWSER}}


def _click(told: Told) -> Json:
    link = f"https://{OUR_DOMAIN}/offers/{told.mail.sent_at % 97}"
    where = {"ipAddress": "198.51.100.7", "timestamp": iso(told.at), "userAgent": BROWSER}
    return {"click": where | {"link": link, "linkTags": {"place": ["headline"]}}}


def _subscription(told: Told) -> Json:
    def choice(status: str) -> Json:
        topics = [{"topicName": told.mail.stream, "subscriptionStatus": status}]
        return {"unsubscribeAll": False, "topicSubscriptionStatus": topics}

    return {
        "subscription": {
            "contactList": "readers",
            "timestamp": iso(told.at),
            "source": "UnsubscribeHeader",
            "newTopicPreferences": choice("OptOut"),
            "oldTopicPreferences": choice("OptIn"),
        }
    }


_BODIES = {
    "Send": lambda _: {"send": {}},
    "Delivery": _delivery,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Reject": lambda _: {"reject": {"reason": "Bad content"}},
    "Rendering Failure": lambda told: {
        "failure": {"templateName": f"{told.mail.stream}-v2", "errorMessage": "Attribute 'name' is not present"}
    },
    "DeliveryDelay": _delay,
    "Open": _open,
    "Click": _click,
    "Subscription": _subscription,
}

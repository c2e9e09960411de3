"""An answer that a machine writes to one of our mails, as SES's receiving side tells it: a `Received` notification.

The answer is a mail of its own, with an id of its own; that it is an answer to ours stands in its headers only
(RFC 3834: Auto-Submitted, In-Reply-To, References, an empty Return-Path). Source of the shape: SES developer guide,
"Contents of notifications for Amazon SES email receiving".
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from streams.simulator.events import ACCOUNT, iso
from streams.simulator.life import Happening
from streams.simulator.mail import Mail, bare, domain_of

PROCESSING_MS = 120

_VERDICTS = {f"{name}Verdict": {"status": "PASS"} for name in ("spam", "virus", "spf", "dkim", "dmarc")}


def wire_id(message_id: str, region: str) -> str:
    """Return the Message-ID that recipients see: SES puts its own in place of the sender's."""
    host = "email" if region == "us-east-1" else region
    return f"<{message_id}@{host}.amazonses.com>"


def answer_of(mail: Mail, happening: Happening, region: str, named: str) -> dict[str, Any]:
    """Return the notification of an automatic answer to *mail*; *named* is the answer's own id."""
    ours, theirs = bare(mail.submission.sender), happening.about[0]
    headers = _headers(mail, happening, wire_id(mail.message_id, region), f"<{named}@{domain_of(theirs)}>")
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": iso(happening.at),
            "source": theirs,
            "messageId": named.replace("-", ""),
            "destination": [ours],
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, value in headers],
            "commonHeaders": {
                "returnPath": "",
                "from": [theirs],
                "date": dict(headers)["Date"],
                "to": [ours],
                "messageId": dict(headers)["Message-ID"],
                "subject": "Automatic reply",
            },
        },
        "receipt": {
            "timestamp": iso(happening.at),
            "processingTimeMillis": PROCESSING_MS,
            "recipients": [ours],
            **_VERDICTS,
            "action": {"type": "SNS", "topicArn": f"arn:aws:sns:{region}:{ACCOUNT}:inbound", "encoding": "UTF8"},
        },
    }


def _headers(mail: Mail, happening: Happening, ours: str, own: str) -> list[tuple[str, str]]:
    return [
        ("Return-Path", "<>"),
        ("Date", format_datetime(datetime.fromtimestamp(happening.at // 1000, UTC))),
        ("From", happening.about[0]),
        ("To", bare(mail.submission.sender)),
        ("Subject", "Automatic reply"),
        ("Message-ID", own),
        ("In-Reply-To", ours),
        ("References", ours),
        ("Auto-Submitted", "auto-replied"),
        ("X-Auto-Response-Suppress", "All"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=UTF-8"),
    ]

"""A day of mail with somebody in every field where SES or a producer can put one: good events, broken ones, nonsense.

Texts for the intake, records for the topics; nothing is sent from here.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.builders import CODEC, NOON, event, instruction, outcome, send
from tests.leaks.people import People

Json = dict[str, Any]
AT = "2026-09-21T14:13:20.000Z"
_IDS = iter(range(10**9))


class Put(NamedTuple):
    """A record for a topic."""

    role: str
    key: str | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def message_id() -> str:
    """Return an id that SES might have given."""
    return f"0100018c1b2c{next(_IDS):04x}-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"


def texts(people: People) -> Iterator[str]:
    """Yield what SES says, as JSON, and what only comes the same way."""
    for name, part in _parts(people).items():
        for word in ("eventType", "notificationType"):
            yield json.dumps({word: name, "mail": _mail(people), **part}, ensure_ascii=word == "eventType")
    yield from _odd(people)
    yield from _broken(people)
    yield from _received(people)


def _mail(people: People, **more: Any) -> Json:
    at = people.at
    return {
        "timestamp": AT,
        "messageId": message_id(),
        "source": at("mail.source"),
        "sourceArn": f"arn:aws:ses:eu-west-1:123456789012:identity/{at('mail.sourceArn')}",
        "sourceIp": "192.0.2.1",
        "callerIdentity": at("mail.callerIdentity"),
        "destination": [at("mail.destination")],
        "headers": [
            {"name": "To", "value": at("mail.headers To")},
            {"name": "Subject", "value": people.words("mail.headers Subject")},
            {"name": "X-Customer", "value": quote(at("mail.headers X-Customer"))},
            {"name": at("mail.headers name"), "value": "x"},
        ],
        "commonHeaders": {
            "from": [at("commonHeaders.from")],
            "to": [at("commonHeaders.to")],
            "messageId": f"<{at('commonHeaders.messageId')}>",
            "subject": people.words("commonHeaders.subject"),
        },
        "tags": {
            "customer": [at("mail.tags")],
            at("mail.tags name"): ["x"],
            "ses-streams-stream": [at("mail.tags stream")],
            "ses-streams-request-id": [at("mail.tags request")],
            "ses:configuration-set": [at("mail.tags set")],
        },
        **more,
    }


def _parts(people: People) -> Json:
    """Return each kind of event with its own part."""
    at = people.at
    bounced = {
        "emailAddress": at("bouncedRecipients.emailAddress"),
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": f"smtp; 550 5.1.1 <{at('diagnosticCode')}>: unknown; =?utf-8?q?{at('diagnostic word')}?=",
    }
    soft = {"emailAddress": at("soft bounce"), "status": f"4.2.2 {at('status')}", "action": at("action")}
    bounce = {"timestamp": AT, "feedbackId": at("feedbackId"), "reportingMTA": f"dsn; {at('reportingMTA')}"}
    return {
        "Bounce": {
            "bounce": bounce | {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [bounced]}
        },
        "bounce ": {
            "bounce": bounce
            | {"bounceType": at("bounceType"), "bounceSubType": at("bounceSubType"), "bouncedRecipients": [soft]}
        },
        "Complaint": {
            "complaint": {
                "timestamp": AT,
                "complainedRecipients": [{"emailAddress": at("complainedRecipients")}],
                "userAgent": at("complaint.userAgent"),
                "complaintFeedbackType": at("complaintFeedbackType"),
                "complaintSubType": at("complaintSubType"),
                "feedbackId": at("complaint.feedbackId"),
            }
        },
        "Delivery": {
            "delivery": {
                "timestamp": AT,
                "recipients": [at("delivery.recipients")],
                "smtpResponse": f"250 2.1.5 <{at('smtpResponse')}> ok",
                "reportingMTA": at("delivery.reportingMTA"),
                "remoteMtaIp": at("remoteMtaIp"),
                "processingTimeMillis": at("processingTimeMillis"),
            }
        },
        "Send": {"send": {"note": at("send")}},
        "Reject": {"reject": {"reason": at("reject.reason")}},
        "Open": {"open": {"timestamp": AT, "ipAddress": at("open.ipAddress"), "userAgent": at("open.userAgent")}},
        "Click": {
            "click": {
                "timestamp": AT,
                "link": f"https://shop.example/?email={quote(at('click.link'))}",
                "linkTags": {"who": [at("click.linkTags")]},
            }
        },
        "Rendering Failure": {
            "failure": {
                "errorMessage": f"Attribute {at('errorMessage')} is missing",
                "templateName": at("templateName"),
            }
        },
        "DeliveryDelay": {
            "deliveryDelay": {
                "timestamp": AT,
                "delayType": at("delayType"),
                "expirationTime": at("expirationTime"),
                "delayedRecipients": [{"emailAddress": at("delayedRecipients"), "diagnosticCode": at("delay code")}],
            }
        },
        "Subscription": {
            "subscription": {"contactList": at("contactList"), "timestamp": AT, "source": at("unsubscribe")}
        },
    }


def _odd(people: People) -> Iterator[str]:
    """Yield events with an address where none can be."""
    at = people.at
    yield json.dumps({"eventType": at("eventType"), "mail": _mail(people)})
    yield json.dumps({"eventType": "Open", "mail": _mail(people, messageId=at("mail.messageId")), "open": {}})
    yield json.dumps({"eventType": "Open", "mail": _mail(people), "open": {"timestamp": at("open.timestamp")}})
    yield json.dumps({"eventType": "Open", "mail": _mail(people, timestamp=at("mail.timestamp"))})
    yield json.dumps({"eventType": "Delivery", "mail": _mail(people), at("name of a part"): {at("name within"): 1}})
    yield json.dumps({"eventType": "Bounce", "mail": _mail(people), "bounce": at("bounce as text")})
    yield json.dumps({"eventType": "Bounce", "mail": at("mail as text")})
    yield json.dumps({"eventType": "Bounce", "mail": {"messageId": [at("messageId as list")]}})


def _broken(people: People) -> Iterator[str]:
    """Yield what is no event, or no JSON."""
    at = people.at
    yield f'{{"eventType": "Delivery", "mail": {{"messageId": "0102", "destination": [{json.dumps(at("torn JSON"))}'
    yield f"{at('no JSON')} is no JSON"
    yield json.dumps({"temperature": at("no event")})
    yield json.dumps([at("a list")])
    yield json.dumps(at("a text"))
    yield json.dumps({"eventType": "Bounce", "mail": {"destination": [at("no message id")]}})
    yield json.dumps({"Type": "Notification", "Message": at("an envelope within"), "TopicArn": at("TopicArn within")})
    yield json.dumps({"Records": [{"Sns": {"Message": at("Lambda")}}, {"body": at("SQS in Lambda")}]})
    yield b64encode(at("base64").encode()).decode()


def _received(people: People) -> Iterator[str]:
    """Yield mails that SES received: with their text, and by a place in S3 where they are not fetched from."""
    at = people.at
    raw = (
        f"From: {people.words('received name')} <{people.bare('received From')}>\r\n"
        f"To: {people.bare('received To')}\r\nSubject: {people.words('received Subject')}\r\n"
        f"In-Reply-To: <{message_id()}@email.amazonses.com>\r\nAuto-Submitted: auto-replied\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{people.words('received text')}\r\n"
    )
    receipt = {"timestamp": AT, "recipients": [at("receipt.recipients")], "action": {"type": "SNS", "encoding": "UTF8"}}
    yield json.dumps({"notificationType": "Received", "mail": _mail(people), "receipt": receipt, "content": raw})
    kept = {"type": "S3", "bucketName": "mail-we-receive", "objectKey": f"in/{at('objectKey')}"}
    yield json.dumps({"notificationType": "Received", "mail": _mail(people), "receipt": receipt | {"action": kept}})


def records(people: People, senders: Callable[[], str]) -> Iterator[Put]:
    """Yield what producers write: good records, odd ones, and what is none; *senders* gives an address to send from."""
    yield from _good(people)
    yield from _requests(people, senders)
    yield from _unusable(people)


def _good(people: People) -> Iterator[Put]:
    at = people.at
    mid = message_id()
    made = send(
        mid,
        recipients=[at("send.recipients")],
        from_address=at("send.from_address"),
        stream=at("send.stream"),
        request_id=at("send.request_id"),
        tags={at("send.tags name"): at("send.tags")},
        configuration_set=at("send.configuration_set"),
        in_reply_to=at("send.in_reply_to"),
    )
    yield Put("sends", mid, CODEC.encode("mail.Send", made), ((at("header name"), at("header").encode()),))
    odd = at("send.message_id")
    yield Put("sends", odd, CODEC.encode("mail.Send", send(odd)))
    for kind in ("BOUNCE", "COMPLAINT", "DELIVERY", "UNKNOWN", "REJECT", "RENDERING_FAILURE"):
        mid = message_id()
        told = event(kind, mid, at(f"feedback {kind}"))
        told["recipients"][0] |= {"status": at("feedback.status"), "diagnostic": at("feedback.diagnostic")}
        told |= {"bounce_type": at("feedback.bounce_type"), "reason": at("feedback.reason"), "raw": at("feedback.raw")}
        told |= {"tags": {"stream": [at("feedback.tags")]}, "feedback_id": at("feedback.feedback_id")}
        yield Put("feedback", mid, CODEC.encode("mail.Feedback", told))
    for action in ("SUPPRESS", "RELEASE", "SOMETHING"):
        who = people.bare(f"instruction {action}")
        word = instruction(action, recipient=who, by=at("instruction.by"), why=at("instruction.why"))
        word |= {"scope": at("instruction.scope"), "reason": at("instruction.reason")}
        if action != "SOMETHING":
            yield Put("instructions", who, CODEC.encode("mail.Instruction", word | {"reason": "MANUAL"}))
    who = people.bare("outcome.recipient")
    own = outcome("HARD_BOUNCED", recipient=who, reason=at("outcome.reason"), stream=at("outcome.stream"))
    yield Put("outcomes", who, CODEC.encode("mail.Outcome", own | {"status": at("outcome.status")}))


def _requests(people: People, senders: Callable[[], str]) -> Iterator[Put]:
    at = people.at
    simple = {
        "Simple": {"subject": people.words("request.subject"), "text": people.words("request.text"), "html": None}
    }
    whole: Json = {
        "attempt": 1,
        "stream": "receipts",
        "requested_at": NOON,
        "from_address": senders(),
        "to": [people.bare("request.to")],
        "content": simple,
    }
    template = {"Template": {"name": at("template name"), "data": json.dumps({"to": at("template data")})}}
    raw = f"From: {senders()}\r\nTo: {at('raw To')}\r\nSubject: {people.words('raw Subject')}\r\n\r\n{at('raw text')}"
    changes: dict[str, Json] = {
        "all": {"cc": [at("request.cc")], "bcc": [at("request.bcc")], "reply_to": [at("request.reply_to")]},
        "odd": {"to": [at("request.to odd")], "tags": {at("request.tags name"): at("request.tags")}},
        "headers": {"headers": {"X-Who": at("request.headers"), at("request.headers name"): "x"}},
        "injected": {"headers": {"X-Who": f"{at('injected')}\r\nBcc: {at('injected too')}"}},
        "stream": {"stream": at("request.stream"), "in_reply_to": at("request.in_reply_to")},
        "sender": {"from_address": at("request.from_address")},
        "unverified": {"from_address": people.bare("request.from unverified").replace("example.com", "example.net")},
        "set": {"configuration_set": at("request.configuration_set")},
        "template": {"content": template},
        "raw": {"content": {"Raw": {"mime": raw.encode()}}},
        "nobody": {"to": []},
        "no address": {"to": [f"{people.words('no address at all')}@"]},
        "many": {"to": [people.bare("many") for _ in range(51)]},
        "expired": {"expires_at": NOON - 1, "to": [at("expired")]},
    }
    for name, change in changes.items():
        request_id = at(f"request_id {name}")
        made = whole | {"to": [people.bare(f"request.to {name}")]} | change | {"request_id": request_id}
        yield Put("send-requests", request_id, CODEC.encode("mail.SendRequest", made))


def _unusable(people: People) -> Iterator[Put]:
    """Yield broken records, under keys that are addresses."""
    at = people.at
    for role in ("sends", "feedback", "outcomes", "send-requests", "instructions", "retries", "settlements"):
        value = json.dumps({"to": at(f"JSON on {role}")}).encode()
        torn = CODEC.encode("mail.Send", send(recipients=[at(f"torn on {role}")]))
        yield Put(role, at(f"key of JSON on {role}"), value)
        yield Put(role, at(f"key of nothing on {role}"), None)
        yield Put(role, at(f"key of torn on {role}"), torn[:-20])
        yield Put(role, at(f"key of unknown on {role}"), b"\0" + (987_654_321).to_bytes(4, "big") + torn[5:])
        yield Put(role, at(f"key of other on {role}"), CODEC.encode("mail.LoopFlag", _flag(people, role)))


def _flag(people: People, role: str) -> Json:
    return {
        "recipient": people.at(f"other on {role}"),
        "local_address": people.at(f"other local on {role}"),
        "replies": 2,
        "window_seconds": 600,
        "since": NOON,
        "until": NOON,
        "evidence": [],
    }

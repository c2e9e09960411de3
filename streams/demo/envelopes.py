"""The envelopes in which an SES event can reach us, put around it here so that intake has to peel them off again.

SNS over HTTPS, SQS with SNS inside, SQS with raw delivery, EventBridge, Lambda, a Firehose line, and none at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import orjson

from streams.demo.ses_json import ACCOUNT

TOPIC_ARN = f"arn:aws:sns:eu-west-1:{ACCOUNT}:ses-events"
DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Rendering Failure": "Email Rendering Failed",
    "DeliveryDelay": "Email Delivery Delayed",
    "Subscription": "Email Subscribed",
}


def wrapped(event: dict[str, Any], chance: Random) -> str:
    """Return the event as text in an envelope that *chance* picks; EventBridge only carries the newer format."""
    wrap = chance.choices(_WRAPS, _WEIGHTS)[0]
    if wrap is _eventbridge and "eventType" not in event:
        wrap = _sns
    return wrap(event, f"{chance.getrandbits(128):032x}")


def _text(thing: Any) -> str:
    return orjson.dumps(thing).decode()


def _sns(event: dict[str, Any], mark: str) -> str:
    return _text(_notification(_text(event), mark))


def _notification(message: str, mark: str) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}",
        "TopicArn": TOPIC_ARN,
        "Subject": "Amazon SES Email Event Notification",
        "Message": message,
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "RVhBTVBMRQ==",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    }


def _sqs(event: dict[str, Any], mark: str) -> str:
    body = _text(_notification(_text(event), mark))
    return _text({"Records": [{"messageId": mark, "body": body, "eventSource": "aws:sqs"}]})


def _sqs_raw(event: dict[str, Any], mark: str) -> str:
    return _text({"Records": [{"messageId": mark, "body": _text(event), "eventSource": "aws:sqs"}]})


def _lambda(event: dict[str, Any], mark: str) -> str:
    sns = _notification(_text(event), mark)
    sns["SigningCertUrl"] = sns.pop("SigningCertURL")
    sns["UnsubscribeUrl"] = sns.pop("UnsubscribeURL")
    return _text({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]})


def _eventbridge(event: dict[str, Any], mark: str) -> str:
    return _text(
        {
            "version": "0",
            "id": mark,
            "detail-type": DETAIL_TYPES[event["eventType"]],
            "source": "aws.ses",
            "account": ACCOUNT,
            "time": event["mail"]["timestamp"],
            "region": "eu-west-1",
            "resources": [f"arn:aws:ses:eu-west-1:{ACCOUNT}:configuration-set/demo"],
            "detail": event,
        }
    )


def _firehose(event: dict[str, Any], _: str) -> str:
    return _text(event) + "\n"


def _bare(event: dict[str, Any], _: str) -> str:
    return json.dumps(event, indent=2)  # as a person pastes it: spread over lines


ENVELOPES: dict[str, tuple[Callable[[dict[str, Any], str], str], int]] = {
    "sns": (_sns, 48),
    "sqs": (_sqs, 20),
    "sqs raw": (_sqs_raw, 5),
    "eventbridge": (_eventbridge, 10),
    "lambda": (_lambda, 5),
    "firehose": (_firehose, 10),
    "bare": (_bare, 2),
}
"""Every envelope, and its share in per cent."""

_WRAPS = tuple(wrap for wrap, _ in ENVELOPES.values())
_WEIGHTS = tuple(weight for _, weight in ENVELOPES.values())

"""What SES tells in a fault test of the intake, made up: events of every kind, poison, and what is no event at all.

What must come of each is known by construction. Chance is seeded and times come in; nothing of the product is used,
or a mistake of its reader would be made here too, and be believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

Json = dict[str, Any]

LEGACY = frozenset({"Bounce", "Complaint", "Delivery"})
"""What the older format has too."""
TWICE = 0.15
"""Of the events that the older format has, so many are told in both, as where an account has both switched on."""
POISON, NOTHING = 0.04, 0.02
VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."
_APART_MS = 7
_SPOKEN = ("Your receipt", "Grüße aus Köln", 'He said "no"\\', "naïve — 日本語 \U0001f4ec", "a\tb\nc")


class Fact(NamedTuple):
    """What tells one event from every other: it has one feedback id, whatever that is."""

    message_id: str
    kind: str
    at: int


class Told(NamedTuple):
    """One text that SES publishes.

    fact: the event that it tells; None for poison and for what is no event.
    feedback_id: SES's own id of the event; empty where SES has none.
    verbatim: the text is kept as SES sent it.
    reason: why it is poison; empty for all else.
    """

    text: str
    fact: Fact | None = None
    feedback_id: str = ""
    verbatim: bool = True
    reason: str = ""


class Teller:
    """Tells one thing after another; the same arguments tell the same."""

    def __init__(self, seed: int, began: int) -> None:
        """Begin before the first; *began* is now, ms since the epoch."""
        self._chance = Random(f"events {seed}")
        self._began = began - 3_600_000
        self._number = 0

    def tell(self) -> list[Told]:
        """Return the next: one text, or two where one event is told in both formats."""
        self._number += 1
        drawn = self._chance.random()
        if drawn < POISON:
            return [self._poison()]
        if drawn < POISON + NOTHING:
            return [Told(self._chance.choice((VALIDATED, _letter(self._message_id(), self._at, ""))))]
        if drawn < POISON + 2 * NOTHING:
            return [self._answered()]
        return list(self._event(self._chance.choice(tuple(_FACTS))))

    def forged(self) -> str:
        """Return an event of which SES knows nothing."""
        self._number += 1
        return json.dumps({"eventType": "Bounce", "mail": self._mail("forged-" + self._message_id())})

    @property
    def _at(self) -> int:
        return self._began + self._number * _APART_MS

    def _message_id(self) -> str:
        return f"0102{self._at:012x}-{self._chance.getrandbits(64):016x}-{self._number:06d}"

    def _mail(self, message_id: str) -> Json:
        subject = self._chance.choice(_SPOKEN)
        return {
            "timestamp": iso(self._at),
            "messageId": message_id,
            "source": "shop@shop.example.com",
            "destination": [f"reader-{self._number}@example.com"],
            "headers": [{"name": "Subject", "value": subject}],
            "commonHeaders": {"from": ["shop@shop.example.com"], "subject": subject},
        }

    def _event(self, name: str) -> Iterator[Told]:
        message_id, later = self._message_id(), self._at + 3
        feedback_id = f"0102{self._number:08x}-own-000000" if name in ("Bounce", "Complaint") else ""
        kind, part, facts = _FACTS[name]
        said = facts(iso(later), f"reader-{self._number}@example.com", feedback_id)
        at = later if "timestamp" in said else self._at
        body = {"mail": self._mail(message_id), part: said}
        twice = name in LEGACY and self._chance.random() < TWICE
        for word in ("eventType", "notificationType") if twice else ("eventType",):
            text = json.dumps({word: name, **body}, ensure_ascii=self._chance.random() < 0.5)
            yield Told(text, Fact(message_id, kind, at), feedback_id)

    def _answered(self) -> Told:
        """Return a machine's answer to a mail, received by SES; its body is not kept, hence not every byte."""
        message_id, later = self._message_id(), self._at + 3
        text = _letter(message_id, later, "auto-replied")
        return Told(text, Fact(message_id, "AUTO_REPLY", later), verbatim=False)

    def _poison(self) -> Told:
        mail = {"messageId": f"mail-{self._number}"}
        reason, said = self._chance.choice(
            (
                ("NOT_JSON", f"poison {self._number} — „no JSON“\n\tat all"),
                ("NOT_JSON", json.dumps({"eventType": "Delivery", "mail": mail})[:-2]),  # torn
                ("NOT_AN_EVENT", {"poison": self._number}),
                ("NO_MESSAGE_ID", {"eventType": "Bounce", "mail": {"number": self._number}}),
                ("BAD_TIME", {"eventType": "Open", "mail": mail, "open": {"timestamp": "yesterday"}}),
            )
        )
        text = said if isinstance(said, str) else json.dumps(said)
        return Told(text, reason=reason)


def iso(at: int) -> str:
    """Return ms since the epoch as SES writes times."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _letter(answers: str, at: int, submitted: str) -> str:
    """Return SES's notice of a mail that it received in answer to one of ours; by a machine, where *submitted* says."""
    headers = {"From": "reader@example.org", "In-Reply-To": f"<{answers}@eu-west-1.amazonses.com>"}
    headers |= {"Auto-Submitted": submitted} if submitted else {}
    mail = {
        "timestamp": iso(at),
        "messageId": f"received-{answers}",
        "source": "reader@example.org",
        "destination": ["shop@shop.example.com"],
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
    }
    receipt = {"timestamp": iso(at), "recipients": ["shop@shop.example.com"]}
    return json.dumps({"notificationType": "Received", "mail": mail, "receipt": receipt, "content": "Back on Monday."})


def _bounce(at: str, who: str, feedback_id: str) -> Json:
    about = {"emailAddress": who, "action": "failed", "status": "5.1.1", "diagnosticCode": f"smtp; 550 <{who}> unknown"}
    said = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [about]}
    return said | {"timestamp": at, "feedbackId": feedback_id, "reportingMTA": "dns; mx.example.com"}


def _complaint(at: str, who: str, feedback_id: str) -> Json:
    said = {"complainedRecipients": [{"emailAddress": who}], "complaintFeedbackType": "abuse"}
    return said | {"timestamp": at, "feedbackId": feedback_id}


def _delay(at: str, who: str, _: str) -> Json:
    return {
        "delayType": "MailboxFull",
        "delayedRecipients": [{"emailAddress": who, "status": "4.2.2"}],
        "timestamp": at,
    }


def _subscription(at: str, _: str, __: str) -> Json:
    return {"contactList": "readers", "timestamp": at, "newTopicPreferences": {"unsubscribeAll": True}}


_FACTS: dict[str, tuple[str, str, Callable[[str, str, str], Json]]] = {
    "Send": ("SEND", "send", lambda *_: {}),
    "Delivery": ("DELIVERY", "delivery", lambda at, who, _: {"timestamp": at, "recipients": [who]}),
    "Bounce": ("BOUNCE", "bounce", _bounce),
    "Complaint": ("COMPLAINT", "complaint", _complaint),
    "Reject": ("REJECT", "reject", lambda *_: {"reason": "Bad content"}),
    "Rendering Failure": ("RENDERING_FAILURE", "failure", lambda *_: {"templateName": "t", "errorMessage": "no name"}),
    "DeliveryDelay": ("DELIVERY_DELAY", "deliveryDelay", _delay),
    "Open": ("OPEN", "open", lambda at, *_: {"timestamp": at, "ipAddress": "198.51.100.7"}),
    "Click": ("CLICK", "click", lambda at, *_: {"timestamp": at, "link": "https://shop.example.com/1"}),
    "Subscription": ("SUBSCRIPTION", "subscription", _subscription),
    "Quarantine": ("UNKNOWN", "quarantine", lambda at, *_: {"timestamp": at}),  # a type that SES may add some day
}
"""SES's word for each type: what it becomes, and the object that holds its facts."""

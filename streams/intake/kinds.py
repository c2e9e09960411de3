"""What SES writes in an event of each kind, as a table: which field of ours comes from which of SES's.

For each kind: the object that holds the facts, the list of recipients, and the fields with how to read them.
Names from the Amazon SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and
"Amazon SNS notification contents for Amazon SES". No rules here: what a fact means is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streams.intake.fields import items, lists_of_text, mapping, mta_name, text, whole_number, word
from streams.intake.times import time_or_none
from streams.mail.feedback import FeedbackKind

Reader = Callable[[object], Any]

UNSUBSCRIBED_ALL = "unsubscribed-all"
UNSUBSCRIBED_TOPIC = "unsubscribed-topic"
SUBSCRIBED = "subscribed"


class Fact(NamedTuple):
    """One field of mail.Feedback: where SES says it, and how to read it. An empty *name* is the whole object."""

    field: str
    name: str
    read: Reader


class Shape(NamedTuple):
    """How SES writes one kind of event.

    part: the object with the kind's own facts.
    recipients: the list in it; None where SES lists nobody, and the mail's destinations stand in.
    apart: fields of mail.Feedback that tell two events of this kind in one millisecond apart.
    """

    kind: FeedbackKind
    part: str
    recipients: str | None
    facts: tuple[Fact, ...] = ()
    apart: tuple[str, ...] = ()


def topic_change(part: object) -> str:
    """Return what a subscription event changed: unsubscribed from all, from a topic more than before, or neither."""
    facts = mapping(part)
    new, old = mapping(facts.get("newTopicPreferences")), mapping(facts.get("oldTopicPreferences"))
    if new.get("unsubscribeAll") is True:
        return UNSUBSCRIBED_ALL
    return UNSUBSCRIBED_TOPIC if _opted_out(new) - _opted_out(old) else SUBSCRIBED


def _opted_out(preferences: Mapping[str, Any]) -> set[str]:
    """Return the topics that a contact does not want."""
    topics = [mapping(entry) for entry in items(preferences.get("topicSubscriptionStatus"))]
    out = [topic for topic in topics if (word(topic.get("subscriptionStatus")) or "").lower() == "optout"]
    return {name for topic in out if (name := text(topic.get("topicName"))) is not None}


_MTAS = (Fact("reporting_mta", "reportingMTA", mta_name), Fact("remote_mta_ip", "remoteMtaIp", word))
_BROWSER = (Fact("ip_address", "ipAddress", word), Fact("user_agent", "userAgent", text))
_BOUNCE = (Fact("bounce_type", "bounceType", word), Fact("bounce_subtype", "bounceSubType", word), *_MTAS)
_COMPLAINT = (
    Fact("complaint_type", "complaintFeedbackType", word),
    Fact("complaint_subtype", "complaintSubType", word),
    Fact("user_agent", "userAgent", text),
    Fact("arrived_at", "arrivalDate", time_or_none),
)
_DELIVERY = (
    Fact("smtp_response", "smtpResponse", text),
    Fact("processing_ms", "processingTimeMillis", whole_number),
    *_MTAS,
)
_DELAY = (Fact("delay_type", "delayType", word), Fact("expires_at", "expirationTime", time_or_none), *_MTAS)
_CLICK = (*_BROWSER, Fact("link", "link", text), Fact("link_tags", "linkTags", lists_of_text))
_FAILURE = (Fact("reason", "errorMessage", text), Fact("template", "templateName", text))
_SUBSCRIPTION = (Fact("contact_list", "contactList", text), Fact("reason", "", topic_change))

_K = FeedbackKind
SHAPES: Mapping[str, Shape] = {
    "send": Shape(_K.SEND, "send", None),
    "delivery": Shape(_K.DELIVERY, "delivery", "recipients", _DELIVERY),
    "bounce": Shape(_K.BOUNCE, "bounce", "bouncedRecipients", _BOUNCE),
    "complaint": Shape(_K.COMPLAINT, "complaint", "complainedRecipients", _COMPLAINT),
    "reject": Shape(_K.REJECT, "reject", None, (Fact("reason", "reason", text),)),
    "deliverydelay": Shape(_K.DELIVERY_DELAY, "deliveryDelay", "delayedRecipients", _DELAY, ("delay_type",)),
    "renderingfailure": Shape(_K.RENDERING_FAILURE, "failure", None, _FAILURE),
    "open": Shape(_K.OPEN, "open", None, _BROWSER),
    "click": Shape(_K.CLICK, "click", None, _CLICK, ("link",)),
    "subscription": Shape(_K.SUBSCRIPTION, "subscription", None, _SUBSCRIPTION, ("contact_list", "reason")),
}
"""By SES's word for the kind, in lower case and without spaces, `_` or `-`: on the wire `Rendering Failure`, in the API
RENDERING_FAILURE, and captured events write `send` and `open` small."""

PARTS: Mapping[str, Shape] = {shape.part: shape for shape in SHAPES.values()}
"""By the object with the facts: what an event without a word for its kind is known by."""

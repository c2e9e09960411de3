"""The words that labels may say: closed lists, so that no one outside can make a series or put an address into one.

SES's own words are here as SES spells them. What counts what, and under which of these labels, is catalogue.py's.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.decide.mailreport import MAIL_REPORT
from streams.mail.deadletter import DeadReason, Stage
from streams.mail.outcome import OutcomeKind
from streams.mail.suppression import SuppressionReason
from streams.observe.health import State
from streams.observe.provider import Provider
from streams.observe.refused import REFUSALS, WHYS
from streams.topics import ROLES

OTHER = "other"
"""What a label says where its closed list has no word for the value."""
UNKNOWN = "unknown"
"""What a label says where there is no value."""

BOUNCES: Mapping[str, tuple[str, ...]] = {
    "Permanent": (
        "General",
        "NoEmail",
        "Suppressed",
        "OnAccountSuppressionList",
        "OnTenantSuppressionList",
        "EmailValidationSuppressed",
        "UnsubscribedRecipient",
        MAIL_REPORT,
    ),
    "Transient": (
        "General",
        "MailboxFull",
        "MessageTooLarge",
        "CustomTimeoutExceeded",
        "ContentRejected",
        "AttachmentRejected",
        MAIL_REPORT,
    ),
    "Undetermined": ("Undetermined", MAIL_REPORT),
}
"""SES's types and their sub-types (SES developer guide, event-publishing-retrieving-sns-contents), and our own one."""

CLOSED: Mapping[str, tuple[str, ...]] = {
    "via": ("API", "SMTP", "UPSTREAM"),
    "kind": tuple(OutcomeKind),
    "ses_reputation_line_ratio.kind": ("bounce", "complaint"),
    "line": ("review", "pause"),
    "provider": tuple(Provider),
    "type": tuple(BOUNCES),
    "subtype": tuple(dict.fromkeys(subtype for subtypes in BOUNCES.values() for subtype in subtypes)),
    "ses_complaints_total.type": ("abuse", "auth-failure", "fraud", "not-spam", "virus"),
    "reason": tuple(DeadReason),
    "ses_suppressions.reason": tuple(SuppressionReason),
    "topic": tuple(ROLES),
    "stage": tuple(Stage),
    "ses_duplicates_total.stage": tuple(ROLES),
    "hop": ("by_message", "by_recipient", "by_request"),
    "ses_send_requests_total.result": (
        "sent",
        "failed",
        "suppressed",
        "looping",
        "expired",
        "held",
        "paused",
        "again",
        "in_doubt",
    ),
    "ses_suppressed_sends_total.reason": tuple(SuppressionReason),
    "ses_doubts_total.result": ("doubted", "settled", "sent_again"),
    "action": ("end", "again", "slow", "stop"),
    "because": ("General", "MailboxFull", "Undetermined", "refused"),
    "ses_retries_total.result": ("scheduled", "due", "cancelled", "exhausted"),
    "label": (
        "stream",
        "via",
        "kind",
        "type",
        "subtype",
        "reason",
        "topic",
        "stage",
        "hop",
        "step",
        "edge",
        "result",
        "action",
        "because",
        "road",
        "why",
        "state",
    ),
    "road": ("sns", "sqs", "object", "unsubscribe"),
    "ses_intake_items_total.result": ("landed", "repeated", "nothing", "refused", "failed"),
    "ses_intake_refused_total.reason": REFUSALS,
    "why": WHYS,
    "edge": ("first", "last"),
    "state": tuple(State),
    "part": ("worker", "intake"),
    "step": ("fetch", "decode", "decide", "encode", "state", "produce", "wait", "wake"),
}
"""What each label may say (`metric.label` where one metric has its own list), besides `other` and `unknown`."""
OPEN = frozenset({"stream", "partition", "version"})
"""Labels with a rule of their own: streams by the allow-list of labels.py, the rest by ourselves."""

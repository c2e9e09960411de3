"""The recipients an event is about, each once, in normal form, with what the DSN says of them.

SES lists them as objects (bounces, complaints, delays) or as plain addresses (deliveries), now and then as
`Name <address>`, and the same one twice where a message named them twice. No bounce class is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.intake.fields import items, mapping, text, word
from streams.mail.address import normal_address
from streams.mail.feedback import FeedbackRecipient

FAILED = "failed"


def read_recipients(listed: object) -> tuple[FeedbackRecipient, ...]:
    """Return the recipients of an event's own list; entries without an address are left out."""
    return merged(found for found in map(_recipient, items(listed)) if found is not None)


def merged(recipients: Iterable[FeedbackRecipient]) -> tuple[FeedbackRecipient, ...]:
    """Return each address once, at its first place."""
    found: dict[str, FeedbackRecipient] = {}
    for recipient in recipients:
        known = found.get(recipient.address)
        found[recipient.address] = recipient if known is None else _both(known, recipient)
    return tuple(found.values())


def _recipient(entry: object) -> FeedbackRecipient | None:
    """Return one entry of a list: an address, or an object with emailAddress."""
    fields = mapping(entry)
    written = text(fields.get("emailAddress") if fields else entry)
    if written is None:
        return None
    address = normal_address(written)
    return FeedbackRecipient(
        address=address,
        status=word(fields.get("status")),
        action=word(fields.get("action")),
        diagnostic=text(fields.get("diagnosticCode")),
        written=None if written == address else written,
    )


def _both(first: FeedbackRecipient, second: FeedbackRecipient) -> FeedbackRecipient:
    """Return one recipient from two entries for the same address; a failure says more than a delay."""
    if (second.action or "").lower() == FAILED and (first.action or "").lower() != FAILED:
        first, second = second, first
    return FeedbackRecipient(
        address=first.address,
        status=second.status if first.status is None else first.status,
        action=second.action if first.action is None else first.action,
        diagnostic=second.diagnostic if first.diagnostic is None else first.diagnostic,
        written=second.written if first.written is None else first.written,
    )

"""What an event is called, so that an event that arrives twice is one event.

A bounce and a complaint carry SES's feedbackId, the same in both formats and in every envelope: that is the name.
The others get one made of what they say: message id, kind, time in ms, and whatever else tells two events of one kind
in one millisecond apart (the link of a click, the recipients that SES lists). What differs between envelopes (SNS's
MessageId and Timestamp, the order of JSON's fields) takes no part.
"""

from __future__ import annotations

from hashlib import blake2b

_BYTES = 16  # 128 bits: two of 10^15 events meet with a probability of 10^-9


def derived_id(message_id: str, kind: str, at: int, *apart: str) -> str:
    """Return `kind-` and 32 hex digits, such as `delivery-9f86d0...`; the prefix keeps it apart from SES's own ids."""
    said = "\x1f".join((message_id, kind, str(at), *apart))
    return f"{kind.lower()}-{blake2b(said.encode(), digest_size=_BYTES).hexdigest()}"

"""One part of an item, judged: the event that it is, nothing, or why it cannot be used and the bytes to keep of it.

The one place for whoever takes items in: files, webhook, queue, objects. An item is what came at once, and may hold
several parts; a part that cannot be used is set aside alone, and of an item with one part all of it is kept.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.errors import Unusable
from streams.intake.envelope import Letter, Torn
from streams.intake.letters import read_letter
from streams.intake.received import is_received
from streams.intake.unsubscribes import Unsubscribes
from streams.mail.deadletter import DeadReason
from streams.mail.feedback import Feedback

MAX_EVENT_BYTES = 384 * 1024
"""SNS carries 256 KiB at most. A Feedback holds its event twice, read and raw: at this size it still fits into the
1,000,000 bytes that a Kafka producer and a topic take by default."""


class Refused(NamedTuple):
    """A part that cannot be used: why, and its bytes."""

    why: Unusable
    value: bytes


def read_part(  # noqa: PLR0913 - what is known of a part, by name
    part: Letter | Torn,
    whole: bytes,
    size: int,
    *,
    alone: bool,
    limit: int = MAX_EVENT_BYTES,
    unsubscribes: Unsubscribes | None = None,
) -> Feedback | Refused | None:
    """Return what a part of an item says; None for received mail that is no event.

    Args:
        part: as it came out of its envelopes.
        whole: the item, or the beginning of one that is too large.
        size: bytes that the item has.
        alone: whether the item holds nothing else.
        limit: the largest event, in bytes.
        unsubscribes: how to read mail from people who leave; without it there is none.

    """
    own = part.value if isinstance(part, Torn) else part.raw.encode()
    kept = whole if alone else own
    inbound = isinstance(part, Letter) and is_received(part.event)  # its body may be large, and is left out
    if not inbound and (size if alone else len(own)) > limit:
        return too_large(kept, size if alone else len(own), limit)
    if isinstance(part, Torn):
        return Refused(part.why, kept)
    try:
        feedback = read_letter(part, unsubscribes)
    except Unusable as why:
        return Refused(why, kept)
    if feedback is not None and inbound and len(feedback.raw) > limit:
        return too_large(feedback.raw.encode(), len(feedback.raw), limit)
    return feedback


def too_large(value: bytes, size: int, limit: int) -> Refused:
    """Say how much too large, since only the beginning is kept."""
    return Refused(Unusable(DeadReason.TOO_LARGE, f"{size} bytes; the first {min(size, limit)} are kept"), value)

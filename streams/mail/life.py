"""The life of one message, from the send to the last thing that SES says of it.

A life is what has been heard, kept so that hearing it in another order, or twice, ends in the same life. The Send
and the parked Feedback are kept as the bytes in which they came; nobody here looks into them.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.mail.outcome import OutcomeKind


class Parked(NamedTuple):
    """Feedback that waits for its Send *until* a time (ms); *fresh* are the marks that it was the first to bring."""

    until: int
    fresh: tuple[bytes, ...]
    record: bytes


class Reached(NamedTuple):
    """The furthest that the message got with one recipient, and when."""

    kind: OutcomeKind
    at: int


class Life(NamedTuple):
    """What is known of one message.

    send: the mail.Send record as it came, or one made from SES's own SEND event (then *stand_in*).
    seen: 8-byte marks of what was heard already, one per event and recipient.
    answered: SES said something about the mail's fate. counted: its silence has been counted.
    born_at, touched_at: when the first and the last record came (ms; the clock in a worker, event time in replay).
    """

    born_at: int
    touched_at: int
    send: bytes | None = None
    stand_in: bool = False
    answered: bool = False
    counted: bool = False
    seen: frozenset[bytes] = frozenset()
    reached: dict[str, Reached] = {}  # noqa: RUF012 - never changed in place: a new Life gets a new dict
    parked: tuple[Parked, ...] = ()

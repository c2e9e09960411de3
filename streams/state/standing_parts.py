"""How the parts of a standing are stored: numbers of a fixed size, then texts, each of a length that stands before it.

Every part is one `Form`: the numbers, then as many texts as it has, an absent one with length -1. Closed lists are
stored as places in them, so a new word goes to the end of its list. Nothing here knows where a part lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Generic, NamedTuple, TypeVar

from streams.mail.loop import Reply
from streams.mail.retry import CalledOff, Probe, Spent, Wait, WaitKind
from streams.mail.standing import Mark, MarkKind, Order, Release
from streams.mail.suppression import SuppressionReason

ABSENT = -1
KINDS = tuple(MarkKind)
WAIT_KINDS = tuple(WaitKind)
REASONS = tuple(SuppressionReason)
_KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_WAIT_NUMBERS = {kind: number for number, kind in enumerate(WAIT_KINDS)}
_REASON_NUMBERS = {reason: number for number, reason in enumerate(REASONS)}
_SIZES = {count: Struct(f">{count}i") for count in range(5)}

Part = TypeVar("Part")
Text = str | None


class Taken(NamedTuple, Generic[Part]):
    """A part that was read, and where the next one starts."""

    part: Part
    end: int


class Form(NamedTuple, Generic[Part]):
    """How one kind of part is taken apart into numbers and texts, and made of them."""

    numbers: Struct
    texts: int
    apart: Callable[[Part], tuple[Sequence[Any], Sequence[Text]]]
    make: Callable[[Sequence[Any], Sequence[Text]], Part]

    def pack(self, part: Part) -> bytes:
        """Return the stored form of a part."""
        numbers, texts = self.apart(part)
        encoded = [None if text is None else text.encode() for text in texts]
        sizes = [ABSENT if text is None else len(text) for text in encoded]
        return b"".join((self.numbers.pack(*numbers), _SIZES[self.texts].pack(*sizes), *filter(None, encoded)))

    def take(self, value: bytes, start: int) -> Taken[Part]:
        """Return the part that begins at *start*."""
        numbers = self.numbers.unpack_from(value, start)
        start += self.numbers.size
        sizes = _SIZES[self.texts].unpack_from(value, start)
        start += _SIZES[self.texts].size
        texts: list[Text] = []
        for size in sizes:
            texts.append(None if size < 0 else value[start : start + size].decode())
            start += max(size, 0)
        return Taken(self.make(numbers, texts), start)

    def take_all(self, value: bytes, start: int, count: int) -> Taken[tuple[Part, ...]]:
        """Return *count* parts, one after the other."""
        parts = []
        for _ in range(count):
            part, start = self.take(value, start)
            parts.append(part)
        return Taken(tuple(parts), start)


MARK = Form[Mark](
    Struct(">q8sB"),
    3,
    lambda m: ((m.at, m.id, _KIND_NUMBERS[m.kind]), (m.message_id, m.status, m.stream)),
    lambda n, t: Mark(n[0], n[1], KINDS[n[2]], t[0], t[1], t[2] or ""),
)
"""As version 1 wrote it: at, id, kind, three lengths."""

ORDER = Form[Order](
    Struct(">qB?q"),
    2,
    lambda o: ((o.at, _REASON_NUMBERS[o.reason], o.until is not None, o.until or 0), (o.scope, o.by)),
    lambda n, t: Order(n[0], t[0] or "", REASONS[n[1]], n[3] if n[2] else None, t[1] or ""),
)
RELEASE = Form[Release](Struct(">q"), 1, lambda r: ((r.at,), (r.scope,)), lambda n, t: Release(t[0] or "", n[0]))
REPLY = Form[Reply](
    Struct(">q8s?"),
    2,
    lambda r: ((r.at, r.id, r.answering), (r.local, r.message_id)),
    lambda n, t: Reply(n[0], n[1], t[0] or "", t[1], n[2]),
)
WAIT = Form[Wait](
    Struct(">iqqB?"),
    4,
    lambda w: (
        (w.attempt, w.at, w.due_at, _WAIT_NUMBERS[w.kind], w.shown),
        (w.request_id, w.because, w.message_id, w.stream),
    ),
    lambda n, t: Wait(t[0] or "", n[0], n[1], n[2], WAIT_KINDS[n[3]], t[1] or "", t[2], t[3] or "", n[4]),
)
PROBE = Form[Probe](
    Struct(">iqq"),
    1,
    lambda p: ((p.attempt, p.since, p.at), (p.request_id,)),
    lambda n, t: Probe(t[0] or "", n[0], n[1], n[2]),
)
SPENT = Form[Spent](Struct(">8siq"), 0, lambda s: ((s.key, s.attempt, s.at), ()), lambda n, _: Spent(*n))
CALLED_OFF = Form[CalledOff](Struct(">8sq"), 0, lambda c: ((c.key, c.at), ()), lambda n, _: CalledOff(*n))

"""Mails by number, for tables of millions: the Send of a number, what SES says of it, and its life as hop 1 stores it.

Records are those of the race's workload (benchmarks/join/workload.py), encoded once; of each, only what differs from
mail to mail is filled in: ids, which no compression can guess, and people. So a record costs a microsecond and not
thirty, and is as large as an honest one. The same number always makes the same mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.join.workload import Workload
from streams.schemas.codec import Codec
from streams.state.lives import new_life

BODIES = 1_000
PEOPLE = 20_000_000
AWAY = 2_000
"""A new mail is heard of when so many others have been sent behind it."""
OPEN_MS = 60 * 3_600_000
"""Over so long before now the open sends were handed to SES: less than the time after which silence is counted."""
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_WIDE = (1 << 128) - 1
_PRIME = 2_654_435_761
_MESSAGE, _FEEDBACK, _REQUEST, _PERSON = "\x01" * 60, "\x02" * 60, "\x03" * 16, "\x04" * 8
_BLANKS = {_MESSAGE: b"%(m)b", _FEEDBACK: b"%(f)b", _REQUEST: b"%(r)b", _PERSON: b"%(p)b"}

Row = tuple[str, bytes, bytes]
"""A topic's role, a key, a value."""


class Traffic:
    """Mails 0 to *opened* - 1 were sent before; whatever has a higher number is new.

    *now* is the present, ms since the epoch.
    """

    def __init__(self, codec: Codec, opened: int, now: int) -> None:
        """Encode what is filled in later."""
        self._opened, self._now = opened, now
        self._sends: list[bytes] = []
        places: dict[str, int] = {}
        heard: dict[int, list[bytes]] = {}
        for role, _, record in Workload(messages=BODIES).records():
            message_id, blank = record["message_id"], _blanked(record, now)
            if role == "sends":
                places[message_id] = len(self._sends)
                self._sends.append(_form(codec.encode("mail.Send", blank)))
            else:
                heard.setdefault(places[message_id], []).append(_form(codec.encode("mail.Feedback", blank)))
        self._heard = [heard[place] for place in range(BODIES)]

    def key(self, number: int) -> bytes:
        """Return a mail's message id."""
        return self._filling(number)[b"m"]

    def lives(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the open sends as they are stored, the oldest first."""
        for number in range(self._opened):
            filling = self._filling(number)
            at = self._now - OPEN_MS * (self._opened - number) // self._opened
            yield filling[b"m"], new_life(self._sends[number % BODIES] % filling, at)

    def mails(self, first: int, count: int) -> Iterator[Row]:
        """Yield *count* new mails from the *first* on, and what is heard of as many, in turn old and new ones."""
        for step in range(first, first + count):
            number = self._opened + step
            filling = self._filling(number)
            yield "sends", filling[b"m"], self._sends[number % BODIES] % filling
            about = number - AWAY if step % 2 and step >= AWAY else (step // 2) * _PRIME % max(self._opened, 1)
            yield from self._said(about, step)

    def _said(self, number: int, step: int) -> Iterator[Row]:
        """Yield what SES says of a mail; the *step* makes each event another one."""
        filling = self._filling(number)
        for turn, form in enumerate(self._heard[number % BODIES]):
            event = b"0102%012x" % (2 * step + turn)
            yield "feedback", filling[b"m"], form % {**filling, b"f": event + filling[b"f"][len(event) :]}

    def _filling(self, number: int) -> dict[bytes, bytes]:
        mark, other = _digits(3 * number + 1), _digits(3 * number + 2)
        at = self._now - OPEN_MS + number
        return {
            b"m": b"0102%012x-%b" % (at, _tail(mark)),
            b"f": b"0102%012x-%b" % (at + 1, _tail(other)),
            b"r": _digits(3 * number + 3)[:16],
            b"p": b"%08d" % (number * _PRIME % PEOPLE),
        }


def _digits(number: int) -> bytes:
    """Return 32 hex digits that look like chance, and are others for every number."""
    return b"%032x" % (number * _ODD & _WIDE)


def _tail(mark: bytes) -> bytes:
    """Return what stands behind the time in ids of SES's."""
    return b"-".join((mark[:8], mark[8:12], mark[12:16], mark[16:20], mark[20:], b"000000"))


def _blanked(record: dict[str, Any], now: int) -> dict[str, Any]:
    """Return a record of the workload with blanks for what differs from mail to mail, and times of today."""
    blank = {**record, "message_id": _MESSAGE, "sent_at": now}
    if "request_id" in record:
        stream = record["stream"]
        return {**blank, "request_id": f"{stream}-{_REQUEST}", "recipients": _people(record["recipients"])}
    addresses = _people([one["address"] for one in record["recipients"]])
    about = [{**one, "address": address} for one, address in zip(record["recipients"], addresses, strict=True)]
    return {
        **blank,
        "feedback_id": _FEEDBACK,
        "occurred_at": now,
        "recipients": about,
        "destination": addresses,
    }


def _people(addresses: list[str]) -> list[str]:
    return [
        f"{'somebody' if place == 0 else 'another'}.{_PERSON}@{address.partition('@')[2]}"
        for place, address in enumerate(addresses)
    ]


def _form(record: bytes) -> bytes:
    """Return an encoded record as something to be filled in."""
    form = record.replace(b"%", b"%%")
    for blank, name in _BLANKS.items():
        form = form.replace(blank.encode(), name)
    return form

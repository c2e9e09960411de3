"""How the life of a message is stored: a fixed head, then marks, recipients, parked feedback, and the Send as it came.

One value per message id. The first byte is the version of this form; an unknown version stops the worker, because
guessing at state loses it. Sets are written sorted, so that equal lives are equal bytes.
"""

from __future__ import annotations

from struct import Struct

from streams.errors import WorldFailed
from streams.mail.life import Life, Parked, Reached
from streams.mail.outcome import OutcomeKind

VERSION = 1
MARK = 8
KINDS = tuple(OutcomeKind)
KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}

_HEAD = Struct(">BBqqHHH")
_REACHED = Struct(">BqI")
_PARKED = Struct(">qHI")
_SEND, _STAND_IN, _ANSWERED, _COUNTED = 1, 2, 4, 8
_ONLY_SEND = bytes((VERSION, _SEND))
_COUNTS = slice(18, 24)
_NO_COUNTS = bytes(6)
"""Where the head counts marks, recipients and parked feedback, and how it looks where there are none."""


def new_life(send: bytes, now: int) -> bytes:
    """Return the stored form of a life that begins with its Send: `pack_life(Life(now, now, send))`, the short way."""
    return _HEAD.pack(VERSION, _SEND, now, now, 0, 0, 0) + send


def only_send(value: bytes | None) -> bytes | None:
    """Return the Send of a stored life that holds nothing else; None of any other life."""
    if value is None or value[:2] != _ONLY_SEND or value[_COUNTS] != _NO_COUNTS:
        return None
    return value[_HEAD.size :]


def first_heard(value: bytes, mark: bytes, recipient: str, reached: Reached, now: int) -> bytes:
    """Return a stored life that held only its Send, after one event about one recipient: the short way of the rules."""
    name = recipient.encode()
    head = _HEAD.pack(VERSION, _SEND | _ANSWERED, _HEAD.unpack_from(value)[2], now, 1, 1, 0)
    far = _REACHED.pack(KIND_NUMBERS[reached.kind], reached.at, len(name))
    return b"".join((head, mark, far, name, value[_HEAD.size :]))


def pack_life(life: Life) -> bytes:
    """Return the stored form of a life."""
    send, seen, reached, parked = life.send, life.seen, life.reached, life.parked
    flags = (
        (_SEND if send is not None else 0)
        | (_STAND_IN if life.stand_in else 0)
        | (_ANSWERED if life.answered else 0)
        | (_COUNTED if life.counted else 0)
    )
    parts = [_HEAD.pack(VERSION, flags, life.born_at, life.touched_at, len(seen), len(reached), len(parked))]
    if seen:
        parts.extend(sorted(seen))
    for recipient in sorted(reached) if len(reached) > 1 else reached:
        kind, at = reached[recipient]
        name = recipient.encode()
        parts += (_REACHED.pack(KIND_NUMBERS[kind], at, len(name)), name)
    for until, fresh, record in parked:
        parts += (_PARKED.pack(until, len(fresh), len(record)), *fresh, record)
    if send is not None:
        parts.append(send)
    return b"".join(parts)


def unpack_life(value: bytes) -> Life:
    """Return the life that a stored value holds; WorldFailed where another version wrote it."""
    version, flags, born_at, touched_at, n_seen, n_reached, n_parked = _HEAD.unpack_from(value)
    if version != VERSION:
        raise WorldFailed(
            f"a stored life has form {version}, this version reads {VERSION}: run the version that wrote it"
        )
    end = _HEAD.size + MARK * n_seen
    seen = frozenset([value[i : i + MARK] for i in range(_HEAD.size, end, MARK)])
    reached: dict[str, Reached] = {}
    if n_reached:
        reached, end = _unpack_reached(value, end, n_reached)
    parked: tuple[Parked, ...] = ()
    if n_parked:
        parked, end = _unpack_parked(value, end, n_parked)
    send = value[end:] if flags & _SEND else None
    return Life(
        born_at,
        touched_at,
        send,
        bool(flags & _STAND_IN),
        bool(flags & _ANSWERED),
        bool(flags & _COUNTED),
        seen,
        reached,
        parked,
    )


def looked_at(value: bytes) -> Life:
    """Return of a stored life what says when to look at it again; marks and recipients are left out where they can."""
    version, flags, born_at, touched_at, _, _, n_parked = _HEAD.unpack_from(value)
    if version != VERSION or n_parked:
        return unpack_life(value)
    send = b"" if flags & _SEND else None
    return Life(born_at, touched_at, send, answered=bool(flags & _ANSWERED), counted=bool(flags & _COUNTED))


def _unpack_reached(value: bytes, start: int, count: int) -> tuple[dict[str, Reached], int]:
    """Return how far each recipient got, and where the next section starts."""
    reached = {}
    for _ in range(count):
        kind, at, size = _REACHED.unpack_from(value, start)
        start += _REACHED.size
        reached[value[start : start + size].decode()] = Reached(KINDS[kind], at)
        start += size
    return reached, start


def _unpack_parked(value: bytes, start: int, count: int) -> tuple[tuple[Parked, ...], int]:
    """Return the parked feedback, and where the next section starts."""
    parked = []
    for _ in range(count):
        until, n_fresh, size = _PARKED.unpack_from(value, start)
        start += _PARKED.size
        body = start + MARK * n_fresh
        fresh = tuple(value[i : i + MARK] for i in range(start, body, MARK))
        parked.append(Parked(until, fresh, value[body : body + size]))
        start = body + size
    return tuple(parked), start

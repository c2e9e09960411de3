"""How a request is stored: a fixed head, its tries, whose machines answered it, and the SendRequest as it came.

One value per request id. The first byte is the version of this form; an unknown version stops the worker, because
guessing at state could send a mail twice. Sets are written sorted, so that equal requests are equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from streams.errors import WorldFailed
from streams.mail.request import Phase, Request, Try, Waits

VERSION = 1
PHASES = tuple(Phase)
WAITS = tuple(Waits)
PHASE_NUMBERS = {phase: number for number, phase in enumerate(PHASES)}
WAITS_NUMBERS = {waits: number for number, waits in enumerate(WAITS)}

_HEAD = Struct(">BqqII")
_TRY = Struct(">iBBBqqqHII")
_LENGTH = Struct(">I")
_RETRIED, _DOUBTED = 1, 2
_MOST = 0xFFFF
"""Refusals beyond this are not told apart."""


def pack_request(request: Request) -> bytes:
    """Return the stored form of a request."""
    head = _HEAD.pack(VERSION, request.born_at, request.touched_at, len(request.tries), len(request.answered))
    tries = b"".join(map(_pack_try, request.tries))
    return b"".join((head, tries, _pack_texts(sorted(request.answered)), request.record))


def unpack_request(value: bytes) -> Request:
    """Return the request that a stored value holds; WorldFailed where another version wrote it."""
    version, born_at, touched_at, n_tries, n_answered = _HEAD.unpack_from(value)
    if version != VERSION:
        raise WorldFailed(
            f"a stored request has form {version}, this version reads {VERSION}: run the version that wrote it"
        )
    start = _HEAD.size
    tries = []
    for _ in range(n_tries):
        one, start = _unpack_try(value, start)
        tries.append(one)
    answered, start = _unpack_texts(value, start, n_answered)
    return Request(born_at, touched_at, value[start:], tuple(tries), frozenset(answered))


def _pack_try(one: Try) -> bytes:
    """Return the stored form of one try."""
    head = _TRY.pack(
        one.attempt,
        PHASE_NUMBERS[one.phase],
        WAITS_NUMBERS[one.waits],
        (_RETRIED if one.retried else 0) | (_DOUBTED if one.doubted else 0),
        one.due,
        one.called_at,
        one.since,
        min(one.refused, _MOST),
        len(one.message_ids),
        len(one.left_out),
    )
    return head + _pack_texts((one.to, *one.message_ids, *one.left_out))


def _unpack_try(value: bytes, start: int) -> tuple[Try, int]:
    """Return one try, and where the next one starts."""
    attempt, phase, waits, flags, due, called_at, since, refused, n_ids, n_left = _TRY.unpack_from(value, start)
    texts, start = _unpack_texts(value, start + _TRY.size, 1 + n_ids + n_left)
    found = Try(
        attempt=attempt,
        to=texts[0],
        phase=PHASES[phase],
        due=due,
        called_at=called_at,
        refused=refused,
        waits=WAITS[waits],
        since=since,
        message_ids=tuple(texts[1 : 1 + n_ids]),
        left_out=tuple(texts[1 + n_ids :]),
        retried=bool(flags & _RETRIED),
        doubted=bool(flags & _DOUBTED),
    )
    return found, start


def _pack_texts(texts: Iterable[str]) -> bytes:
    """Return texts, each behind its length."""
    encoded = [text.encode() for text in texts]
    return b"".join(_LENGTH.pack(len(text)) + text for text in encoded)


def _unpack_texts(value: bytes, start: int, count: int) -> tuple[list[str], int]:
    """Return *count* texts, and where the next field starts."""
    texts = []
    for _ in range(count):
        (size,) = _LENGTH.unpack_from(value, start)
        start += _LENGTH.size
        texts.append(value[start : start + size].decode())
        start += size
    return texts, start

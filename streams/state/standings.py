"""How a recipient's standing is stored: a fixed head, then the marks.

One value per recipient. Nearly every recipient has no mark, and is just the head. The first byte is the version of
this form; an unknown version stops the worker, because guessing at state loses it.
"""

from __future__ import annotations

from struct import Struct

from streams.errors import WorldFailed
from streams.mail.standing import NEVER, Mark, MarkKind, Standing

VERSION = 1
KINDS = tuple(MarkKind)
KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
NOTHING_SAID = bytes(8)

HEAD = Struct(">Bqqqq8sHi")
_ANNOUNCED_AT = 33
_MARK = Struct(">q8sBiiI")
_ABSENT = -1


def pack_standing(standing: Standing) -> bytes:
    """Return the stored form of a standing."""
    written = None if standing.written is None else standing.written.encode()
    head = HEAD.pack(
        VERSION,
        standing.touched_at,
        standing.delivered_at,
        standing.forgiven_at,
        standing.doubt_cleared_at,
        standing.announced or NOTHING_SAID,
        len(standing.marks),
        _ABSENT if written is None else len(written),
    )
    if written is None and not standing.marks:
        return head
    return b"".join((head, written or b"", *map(_pack_mark, standing.marks)))


def unpack_standing(value: bytes) -> Standing:
    """Return the standing that a stored value holds; WorldFailed where another version wrote it."""
    version, touched, delivered, forgiven, doubt, announced, n_marks, size = HEAD.unpack_from(value)
    if version != VERSION:
        raise WorldFailed(
            f"a stored standing has form {version}, this version reads {VERSION}: run the version that wrote it"
        )
    start = HEAD.size
    written, start = _text(value, start, size)
    marks = []
    for _ in range(n_marks):
        mark, start = _unpack_mark(value, start)
        marks.append(mark)
    said = b"" if announced == NOTHING_SAID else announced
    return Standing(touched, delivered, forgiven, doubt, said, written, tuple(marks))


def announced_reason(value: bytes) -> int:
    """Return the first byte of what was said of a stored standing: the number of a reason, 0 for nothing."""
    return value[_ANNOUNCED_AT]


def delivered(value: bytes | None, at: int, now: int) -> bytes | None:
    """Return the stored standing after a delivery at *at*, without unpacking it; None where the rules must be asked.

    That is where the recipient has marks, or something was said about them.
    """
    if value is None:
        return HEAD.pack(VERSION, now, at, NEVER, NEVER, NOTHING_SAID, 0, _ABSENT)
    if len(value) != HEAD.size:
        return None
    version, _, was, forgiven, doubt, announced, _, size = HEAD.unpack(value)
    if version != VERSION or announced != NOTHING_SAID or size != _ABSENT:
        return None
    return HEAD.pack(VERSION, now, max(at, was), forgiven, doubt, announced, 0, size)


def _pack_mark(mark: Mark) -> bytes:
    """Return the stored form of one mark."""
    message_id = None if mark.message_id is None else mark.message_id.encode()
    status = None if mark.status is None else mark.status.encode()
    stream = mark.stream.encode()
    sizes = (_ABSENT if text is None else len(text) for text in (message_id, status))
    head = _MARK.pack(mark.at, mark.id, KIND_NUMBERS[mark.kind], *sizes, len(stream))
    return b"".join((head, message_id or b"", status or b"", stream))


def _unpack_mark(value: bytes, start: int) -> tuple[Mark, int]:
    """Return one mark, and where the next one starts."""
    at, mark_id, kind, n_message, n_status, n_stream = _MARK.unpack_from(value, start)
    start += _MARK.size
    message_id, start = _text(value, start, n_message)
    status, start = _text(value, start, n_status)
    stream, start = _text(value, start, n_stream)
    return Mark(at, mark_id, KINDS[kind], message_id, status, stream or ""), start


def _text(value: bytes, start: int, size: int) -> tuple[str | None, int]:
    """Return a text of *size* bytes, and where the next field starts; a negative size is an absent text."""
    if size < 0:
        return None, start
    return value[start : start + size].decode(), start + size

"""How a recipient's standing is stored: a fixed head, and for the few of whom there is more to say, the rest.

One value per recipient. Nearly every recipient has no mark, and is just the head. The first byte is the version of
this form. Version 1 knew only marks and is still read; an unknown version stops the worker, because guessing at state
loses it.
"""

from __future__ import annotations

from struct import Struct

from streams.errors import WorldFailed
from streams.mail.standing import NEVER, Standing
from streams.state.standing_parts import (
    ABSENT,
    CALLED_OFF,
    KINDS,
    MARK,
    ORDER,
    PROBE,
    RELEASE,
    REPLY,
    SPENT,
    WAIT,
)

__all__ = [
    "HEAD",
    "KINDS",
    "VERSION",
    "VERSIONS",
    "announced_reason",
    "delivered",
    "is_flagged",
    "pack_standing",
    "pending_retries",
    "quiet_since",
    "unpack_standing",
]

VERSION = 2
MARKS_ONLY = 1
"""The form before this one: the same head, the address as written, the marks."""

VERSIONS = (MARKS_ONLY, VERSION)
"""The forms that are read."""

NOTHING_SAID = bytes(8)

HEAD = Struct(">Bqqqq8sHi")
"""Version, touched, delivered, forgiven and doubt cleared at, what was announced, how many marks, length of the
address as written. The same in both versions, so that the short way of a delivery knows both."""

_ANNOUNCED_AT = 33
_MORE = Struct(">8s8sqqHHHHH?HH")
"""What was said of loops and of what waits, when to look, replies cleared up to; how many orders, releases, replies,
waits, waits that are shown; whether there is a probe; how many spent and called off. Only behind a head with more."""

_SAID_LOOP_AT = HEAD.size
_SHOWN = Struct(">H")
_SHOWN_AT = HEAD.size + 40


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
        ABSENT if written is None else len(written),
    )
    if written is None and standing[6:] == _BARE:
        return head
    return b"".join((head, _pack_more(standing), written or b"", *_pack_parts(standing)))


_BARE = Standing(NEVER)[6:]
"""Marks and all that follows them, where there is nothing."""
_BEHIND_MARKS = slice(Standing._fields.index("orders"), None)
_NO_MORE = Standing(NEVER)[_BEHIND_MARKS]
"""The parts behind the marks, where there are none."""


def quiet_since(value: bytes) -> int | None:
    """Return when the last record came (ms), where a stored standing is a head of which nothing was said; else None."""
    if len(value) != HEAD.size:
        return None
    version, touched, _, _, _, announced, _, _ = HEAD.unpack(value)
    return touched if version in VERSIONS and announced == NOTHING_SAID else None


def _pack_more(standing: Standing) -> bytes:
    """Return the second head."""
    return _MORE.pack(
        standing.said_loop or NOTHING_SAID,
        standing.said_waiting or NOTHING_SAID,
        standing.look_at,
        standing.cleared_at,
        len(standing.orders),
        len(standing.releases),
        len(standing.replies),
        len(standing.waits),
        sum(wait.shown for wait in standing.waits),
        standing.probe is not None,
        len(standing.spent),
        len(standing.called_off),
    )


def _pack_parts(standing: Standing) -> list[bytes]:
    """Return the parts in the order in which they are stored."""
    marks = [*map(MARK.pack, standing.marks)]
    if standing[_BEHIND_MARKS] == _NO_MORE:
        return marks
    return [
        *marks,
        *map(ORDER.pack, standing.orders),
        *map(RELEASE.pack, standing.releases),
        *map(REPLY.pack, standing.replies),
        *map(WAIT.pack, standing.waits),
        *([] if standing.probe is None else [PROBE.pack(standing.probe)]),
        *map(SPENT.pack, standing.spent),
        *map(CALLED_OFF.pack, standing.called_off),
    ]


def unpack_standing(value: bytes) -> Standing:
    """Return the standing that a stored value holds; WorldFailed where another version wrote it."""
    version, touched, delivered_at, forgiven, doubt, announced, n_marks, size = HEAD.unpack_from(value)
    if version not in VERSIONS:
        raise WorldFailed(
            f"a stored standing has form {version}, this version reads {MARKS_ONLY} and {VERSION}: "
            "run the version that wrote it"
        )
    standing = Standing(touched, delivered_at, forgiven, doubt, _said(announced))
    if len(value) == HEAD.size:
        return standing
    start = HEAD.size + (_MORE.size if version == VERSION else 0)
    if size >= 0:
        standing = standing._replace(written=value[start : start + size].decode())
        start += size
    marks, start = MARK.take_all(value, start, n_marks)
    standing = standing._replace(marks=marks)
    return standing if version == MARKS_ONLY else _with_more(standing, value, start)


def _with_more(standing: Standing, value: bytes, start: int) -> Standing:
    """Return the standing with what lies behind its marks."""
    said_loop, said_waiting, look_at, cleared, *counts = _MORE.unpack_from(value, HEAD.size)
    n_orders, n_releases, n_replies, n_waits, _, has_probe, n_spent, n_off = counts
    orders, start = ORDER.take_all(value, start, n_orders)
    releases, start = RELEASE.take_all(value, start, n_releases)
    replies, start = REPLY.take_all(value, start, n_replies)
    waits, start = WAIT.take_all(value, start, n_waits)
    probes, start = PROBE.take_all(value, start, int(has_probe))
    spent, start = SPENT.take_all(value, start, n_spent)
    called_off, _ = CALLED_OFF.take_all(value, start, n_off)
    return standing._replace(
        said_loop=_said(said_loop),
        said_waiting=_said(said_waiting),
        look_at=look_at,
        cleared_at=cleared,
        orders=orders,
        releases=releases,
        replies=replies,
        waits=waits,
        probe=probes[0] if probes else None,
        spent=spent,
        called_off=called_off,
    )


def _said(digest: bytes) -> bytes:
    """Return what was said last; zeros stand for nothing."""
    return b"" if digest == NOTHING_SAID else digest


def announced_reason(value: bytes) -> int:
    """Return the first byte of what was said of a stored standing: the number of a reason, 0 for nothing."""
    return value[_ANNOUNCED_AT]


def is_flagged(value: bytes) -> bool:
    """Tell whether a stored standing was last said to be in a loop."""
    return _has_more(value) and value[_SAID_LOOP_AT : _SAID_LOOP_AT + len(NOTHING_SAID)] != NOTHING_SAID


def pending_retries(value: bytes) -> int:
    """Return how many retries of a stored standing are announced as waiting."""
    shown: int = _SHOWN.unpack_from(value, _SHOWN_AT)[0] if _has_more(value) else 0
    return shown


def _has_more(value: bytes) -> bool:
    """Tell whether there is a second head."""
    return value[0] == VERSION and len(value) > HEAD.size


def delivered(value: bytes | None, at: int, now: int) -> bytes | None:
    """Return the stored standing after a delivery at *at*, without unpacking it; None where the rules must be asked.

    That is where there is more than a head, or something was said about the recipient.
    """
    if value is None:
        return HEAD.pack(VERSION, now, at, NEVER, NEVER, NOTHING_SAID, 0, ABSENT)
    if len(value) != HEAD.size:
        return None
    version, _, was, forgiven, doubt, announced, _, size = HEAD.unpack(value)
    if version not in VERSIONS or announced != NOTHING_SAID or size != ABSENT:
        return None
    return HEAD.pack(VERSION, now, max(at, was), forgiven, doubt, announced, 0, size)

"""Searches what can be seen from outside for people, however their names are encoded, and encoded again.

It decodes rather than guesses encodings of each name: percent, quoted-printable, backslash and HTML escapes,
hexadecimal, base64 at any offset. What is found is told by place, person and the way that led there.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from tests.leaks.people import MARK, Person

DEPTH = 3
"""Encodings within encodings that are undone: JSON in base64 in a URL."""
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}[ :]?){8,}")
_WORDS = re.compile(rb"(?:[\x20-\x7e]\0?){9}")
"""As many letters as a mark has: what has none so long holds nobody, and is not looked into."""
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
_ESCAPED = re.compile(rb"\\+(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|([0-3][0-7]{2}))")


class Leak(NamedTuple):
    """Somebody who is to be seen: where, who, and how it was read; *near* is what stands around."""

    seen_in: str
    person: Person
    read_as: str
    near: str


def leaks(seen: Mapping[str, bytes], known: Mapping[str, Person]) -> list[Leak]:
    """Return who is to be seen in what can be seen, each person once a place."""
    found: dict[tuple[str, str], Leak] = {}
    for place, data in seen.items():
        for read_as, text in _readings(data):
            for hit in MARK.finditer(text.decode("latin-1")):
                mark = hit.group().lower()
                if mark in known:
                    near = text[max(hit.start() - 60, 0) : hit.end() + 60].decode("latin-1")
                    found.setdefault((place, mark), Leak(place, known[mark], read_as, near))
    return list(found.values())


def _readings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield *data* as it is, and all that comes of undoing encodings, one after the other."""
    left: list[tuple[str, bytes, int]] = [("as it is", data, 0)]
    done: set[bytes] = set()
    while left:
        way, text, depth = left.pop()
        if text in done:
            continue
        done.add(text)
        yield way, text
        if depth < DEPTH:
            undone = [(name, more) for name, undo in _UNDO.items() for more in undo(text) if more and more != text]
            left += [(f"{way}, {name}", more, depth + 1) for name, more in undone]


def _percent(text: bytes) -> Iterator[bytes]:
    yield unquote_to_bytes(text)


def _quoted(text: bytes) -> Iterator[bytes]:
    joined = text.replace(b"=\r\n", b"").replace(b"=\n", b"")
    yield _QUOTED.sub(lambda hit: bytes([int(hit[1], 16)]), joined)


def _escapes(text: bytes) -> Iterator[bytes]:
    def of(hit: re.Match[bytes]) -> bytes:
        return bytes([int(hit[1] or hit[2], 16) if hit[1] or hit[2] else int(hit[3], 8)])

    yield _ESCAPED.sub(of, text)


def _html(text: bytes) -> Iterator[bytes]:
    yield html.unescape(text.decode("latin-1")).encode("latin-1", "replace")


def _wide(text: bytes) -> Iterator[bytes]:
    if b"\0" in text:
        yield text.replace(b"\0", b"")


def _hexadecimal(text: bytes) -> Iterator[bytes]:
    runs = [re.sub(rb"[ :]", b"", run) for run in _HEX.findall(text)]
    parts = (binascii.unhexlify(run[at : len(run) - (len(run) - at) % 2]) for run in runs for at in (0, 1))
    yield b"\n".join(filter(_WORDS.search, parts))


def _base64(text: bytes) -> Iterator[bytes]:
    parts = []
    for run in _RUN.findall(text):
        plain = run.replace(b"-", b"+").replace(b"_", b"/")
        parts += [base64.b64decode(plain[at : len(plain) - (len(plain) - at) % 4]) for at in range(4)]
    yield b"\n".join(filter(_WORDS.search, parts))


_UNDO: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "percent": _percent,
    "quoted-printable": _quoted,
    "escapes": _escapes,
    "HTML": _html,
    "UTF-16": _wide,
    "hexadecimal": _hexadecimal,
    "base64": _base64,
}

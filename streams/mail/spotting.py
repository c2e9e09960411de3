"""Where addresses stand in a text of any kind: a log line, an error that quotes bytes, JSON within JSON, a URL.

It errs towards seeing one: whatever is glued to an `@` counts, escaped letters and apostrophes within words too, for so
others write somebody's name. What becomes of a find is its finder's business.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from urllib.parse import unquote

_LETTER = r"""[^\s"'<>()\[\],:;\\@]"""
_ESCAPE = r"(?<!\\)\\++(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})"
_GLUED = rf"""(?:{_LETTER}|{_ESCAPE}|(?<=[0-9A-Za-z])(?<!\bb)\\*+'(?=[0-9A-Za-z]))"""
_ADDRESS = re.compile(
    rf"""(?P<found>
         (?: "(?:[^"\n]|\\"){{1,128}}" | {_GLUED}++ )                  # quoted, or all that is glued together
         @
         (?: @ | (?<=@)\[[^\]\s]{{1,256}}+\] | {_GLUED} )++            # and what is glued to it, the next one too
         ) | {_GLUED}++                                               # no address: to be stepped over whole""",
    re.VERBOSE,
)
"""Each place is looked at once: whoever writes a text must not choose how long it takes, for logs wait for it."""
_DOMAIN = re.compile(r"\[[^\]]*\]|[\w.-]*\w|")
_AT = re.compile(r"%(?:25)*40|=40|&\#(?:64|[xX]40);|(?<!\\)\\++(?:u0040|x40)", re.IGNORECASE)
"""An @ as URLs, MIME, HTML, JSON and Python's repr write it."""


_TAG = re.compile(r"b64_([A-Za-z0-9_-]{8,256})")
"""A request id as our own mails carry it (tagging.py), which is an address where a producer takes one for an id."""
_NO_LETTERS, _OTHER_LETTERS = re.compile(r"[^A-Za-z0-9_-]"), str.maketrans("+/", "-_")
_ASKED, _EQUAL = r"(?:\?|%(?:25)*3[Ff])", r"(?:=|%(?:25)*3[Dd])"
_WORD = rf"{_EQUAL}{_ASKED}[\w*.+:-]++{_ASKED}[Bb]{_ASKED}(?:(?!{_ASKED})\S)++{_ASKED}{_EQUAL}"
_WORDS = re.compile(rf"{_WORD}(?:(?:\s|%(?:25)*(?:20|0[DdAa])|\\++[rn])*+{_WORD})*+")
"""Words of a header in base64 (RFC 2047, section 4.1), as a URL may write them; a name may begin in one and end in the
next."""


def with_addresses(text: str, stand_in: Callable[[str], str]) -> str:
    """Return *text* with what *stand_in* gives in the place of each address, and of whatever looks like one."""
    text = _AT.sub("@", _WORDS.sub(_decoded, _TAG.sub(_unpacked, text)))
    if "@" not in text:
        return text

    def replaced(found: re.Match[str]) -> str:
        written = found.group()
        if found["found"] is None:
            return written
        domain = _DOMAIN.match(written, written.rindex("@") + 1)
        end = len(written) if domain is None else domain.end()
        return stand_in(written[:end]) + written[end:]

    return _ADDRESS.sub(replaced, text)


def _decoded(words: re.Match[str]) -> str:
    """Return what words of a header say where an address is among it."""
    written = words.group()
    for _ in range(4):  # a URL within a URL within a URL; not as often as whoever wrote it likes
        written = unquote(written)
    parts = (part.split("?")[3] for part in re.findall(r"=\?[^?]*\?[^?]*\?[^?]*\?=", written))
    said = b"".join(map(_read, parts)).decode("utf-8", "replace")
    return said if "@" in said else words.group()


def _unpacked(tag: re.Match[str]) -> str:
    """Return what a tag says where that is an address; whatever is glued to its end may spoil its last letters."""
    said = _read(tag[1]).decode("utf-8", "replace")
    return said if "@" in said else tag.group()


def _read(packed: str) -> bytes:
    """Return what base64 of either alphabet says, whatever else stands in it: whoever wrote it may not end a worker."""
    letters = _NO_LETTERS.sub("", packed.translate(_OTHER_LETTERS))
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return urlsafe_b64decode(letters + "=" * (-len(letters) % 4))

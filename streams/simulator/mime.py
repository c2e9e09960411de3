"""A mail as MIME bytes, read as far as SES's events and rules want it: headers, recipients, SES's own X- headers.

`X-SES-CONFIGURATION-SET` and `X-SES-MESSAGE-TAGS` are instructions to SES: they are read and taken out, and so is Bcc
(SES developer guide, "Specifying a configuration set when you send email", "Header fields"). The text is not kept.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import NamedTuple

CONFIGURATION_SET, MESSAGE_TAGS = "x-ses-configuration-set", "x-ses-message-tags"

_TAKEN_OUT = frozenset({CONFIGURATION_SET, MESSAGE_TAGS, "bcc"})
_FOLD = re.compile(r"\r?\n[ \t]*")
_PARSER = BytesHeaderParser()


class Headers(NamedTuple):
    """The headers of a mail in their order, and what its instructions to SES are."""

    shown: tuple[tuple[str, str], ...]
    configuration_set: str | None
    tags: dict[str, str]
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]

    def first(self, name: str) -> str | None:
        """Return the first header of this name, in lower case."""
        return next((value for key, value in self.shown if key.lower() == name), None)


def read_headers(raw: bytes) -> Headers:
    """Return the headers of a mail; whatever is odd in them is read as well as may be."""
    every = [(name, _plain(value)) for name, value in _PARSER.parsebytes(raw).items()]
    lists: dict[str, list[str]] = {}
    for name, value in every:
        lists.setdefault(name.lower(), []).append(value)
    return Headers(
        shown=tuple((name, value) for name, value in every if name.lower() not in _TAKEN_OUT),
        configuration_set=lists.get(CONFIGURATION_SET, [None])[0],
        tags=_tags(lists.get(MESSAGE_TAGS, [])),
        to=_addresses(lists.get("to", [])),
        cc=_addresses(lists.get("cc", [])),
        bcc=_addresses(lists.get("bcc", [])),
    )


def _plain(value: object) -> str:
    """Return a header on one line, its encoded words decoded; what cannot be decoded stays."""
    text = _FOLD.sub(" ", str(value)).strip()
    if "=?" in text:
        try:
            text = str(make_header(decode_header(text)))
        except (HeaderParseError, LookupError, ValueError):
            return text
    return text.encode(errors="replace").decode()


def _tags(written: list[str]) -> dict[str, str]:
    """Return `name=value, name=value` as tags; `;` parts them too."""
    pairs = (pair.partition("=") for line in written for pair in re.split(r"[,;]", line) if pair.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _addresses(written: list[str]) -> tuple[str, ...]:
    return tuple(address for _, address in getaddresses(written) if address)

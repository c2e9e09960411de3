"""Delivery reports from before RFC 3464, in plain text: qmail's, and what Exim and others mark by X-Failed-Recipients.

qmail's shape is written down (QSBMF: a first paragraph `Hi. This is the`, one paragraph a recipient, then a copy of the
mail); of the others the header names the recipients, and the text holds a copy of the mail's header. Any other text is
a person's, and is not looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streams.intake.answered import address_in
from streams.intake.bodies import parts_of
from streams.intake.mime import Headers, head_of

FAILED = "x-failed-recipients"
_QMAIL = "Hi. This is the"
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_COPY = re.compile(rb"(?im)^(?:return-path|received|message-id|from|date|subject):[ \t]")
_MOST_TEXT = 64 * 1024
_MOST_REASON = 1_000


class Plain(NamedTuple):
    """What a report in plain text says: each recipient as written and why, and the head of the returned mail."""

    people: list[tuple[str, str]]
    returned: Headers


def read_plain(mail: bytes, head: Headers) -> Plain | None:
    """Return what a report in plain text says; None for any other mail."""
    parts = parts_of(mail, head)
    body = parts[0].body[:_MOST_TEXT] if parts else b""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    if text.lstrip().startswith(_QMAIL):
        people = _by_qmail(text)
    else:
        named = [address for value in head.get(FAILED, ()) for address in value.split(",") if address_in(address)]
        people = [(address, _reason(text, named)) for address in named]
    return Plain(people, _returned(body)) if people else None


def _by_qmail(text: str) -> list[tuple[str, str]]:
    """Return the recipients of qmail's report: paragraphs that begin with `<address>:`, up to a rule."""
    people = []
    for paragraph in _PARAGRAPH.split(text.strip())[1:]:
        first, _, rest = paragraph.strip().partition("\n")
        if first.startswith("-"):
            break
        if first.startswith("<") and first.rstrip().endswith(":"):
            people.append((first.rstrip(" :"), " ".join(rest.split())[:_MOST_REASON]))
    return people


def _reason(text: str, named: list[str]) -> str:
    """Return why, where there is one recipient: the lines behind the address, up to the copy of the mail."""
    if len(named) != 1:
        return ""
    behind = text.partition(named[0].strip())[2]
    return " ".join(re.split(r"\n-{4,}", behind[:_MOST_REASON])[0].split())


def _returned(body: bytes) -> Headers:
    """Return the head of the copy of the mail; none where there is no copy."""
    found = _COPY.search(body)
    return {} if found is None else head_of(body[found.start() :])

"""What a mail's header says besides the letter itself: that a machine wrote it, which request it is, and its tags.

Both roads ask here, so that a mail looks the same by either. How headers become bytes or JSON is the roads' affair, and
what no header may hold stands in fault.py.
"""

from __future__ import annotations

import re

from streams.mail.letter import Letter, Raw
from streams.mail.tagging import ATTEMPT_TAG, REQUEST_TAG, STREAM_TAG, tag_of
from streams.mail.unsubscribe import ONE_CLICK_BODY

REQUEST_HEADER = "X-Ses-Streams-Request-Id"
CONFIGURATION_SET_HEADER = "X-SES-CONFIGURATION-SET"
MESSAGE_TAGS_HEADER = "X-SES-MESSAGE-TAGS"
"""SES reads these two and takes them out (SES developer guide, "Specify your configuration set when you send")."""

LEAVE_HEADER, ONE_CLICK_HEADER = "List-Unsubscribe", "List-Unsubscribe-Post"
MOST_TAGS = 50
"""Message tags a mail (SES developer guide, service quotas)."""

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")  # SESv2 MessageTag
_PRINTABLE = re.compile(r"[ -~]+")
_FIELD = re.compile(rb"(?m)^([!-9;-~]+)[ \t]*:(.*(?:\n[ \t].*)*)")
_BLANK_LINE = re.compile(rb"(?:\A|(?<=\n))\r?\n")


def headers_of(letter: Letter) -> list[tuple[str, str]]:
    """Return the request's own headers, then those of ours that it has not set; the most important of ours first.

    RFC 3834 5: a mail that a machine wrote says `auto-generated`, one that answers a mail `auto-replied`, and then
    which. X-Auto-Response-Suppress asks Exchange not to answer (MS-OXCMAIL 2.1.3.2.20).
    """
    written = ((name, value.strip()) for name, value in letter.headers.items() if name.lower() not in _READ_BY_SES)
    own = [(name, value) for name, value in written if value]  # SES's API takes no empty one
    said = {name.lower() for name, _ in own}
    return own + [(name, value) for name, value in _ours(letter) if name.lower() not in said]


def _ours(letter: Letter) -> list[tuple[str, str]]:
    """Return what each mail of ours carries."""
    ours = [("Auto-Submitted", "auto-generated" if letter.in_reply_to is None else "auto-replied")]
    if letter.in_reply_to is not None:
        answered = _message_id(letter.in_reply_to)
        ours += [("In-Reply-To", answered), ("References", answered)]
    ours += [*_leaving(letter), ("X-Auto-Response-Suppress", "OOF, AutoReply")]
    request = letter.request_id if _PRINTABLE.fullmatch(letter.request_id) else tag_of(letter.request_id)
    if request is not None and request.strip():
        ours.append((REQUEST_HEADER, request.strip()))
    return ours


def _leaving(letter: Letter) -> list[tuple[str, str]]:
    """Return how to leave the stream (RFC 2369), and that an https URL takes one click (RFC 8058).

    A mail that says one of the two itself gets neither: half of it would speak for a URL that is not ours.
    """
    own = (_own(letter, name) for name in (LEAVE_HEADER, ONE_CLICK_HEADER))
    if not letter.leave or any(said is not None for said in own):
        return []
    ways = (LEAVE_HEADER, ", ".join(f"<{url}>" for url in letter.leave))
    return [ways, (ONE_CLICK_HEADER, ONE_CLICK_BODY)] if letter.leave[0].startswith("https:") else [ways]


def _message_id(written: str) -> str:
    """Return a message id as it stands in a header: in angle brackets (RFC 5322 3.6.4)."""
    bare = written.strip()
    return bare if bare.startswith("<") else f"<{bare}>"


def configuration_set_of(letter: Letter) -> str | None:
    """Return the configuration set: the letter's, else the one that its header names."""
    return letter.configuration_set or _own(letter, CONFIGURATION_SET_HEADER)


def tags_of(letter: Letter) -> dict[str, str]:
    """Return the message tags: ours first, for by them SES's events name the request; MOST_TAGS at most.

    A name that SES does not take is left out with its value: renamed it would be another tag. A value that it does not
    take is written as `tag_of` writes it; an empty one, or one too long even so, is left out. Where a mail has tags in
    its header X-SES-MESSAGE-TAGS, SES would drop these in favour of the API's, so they are read here.
    """
    ours = {STREAM_TAG: letter.stream, REQUEST_TAG: letter.request_id, ATTEMPT_TAG: str(letter.attempt)}
    asked = [*ours.items(), *letter.tags.items(), *_in_header(letter).items()]
    tags: dict[str, str] = {}
    for name, text in asked:
        value = _value(text)
        if value is not None and _TAG.fullmatch(name) and len(tags) < MOST_TAGS:
            tags.setdefault(name, value)
    return tags


def _value(text: str) -> str | None:
    """Return a value that SES takes; one that it takes as it is stays so, for it may be packed already."""
    return text if _TAG.fullmatch(text) else tag_of(text)


def _in_header(letter: Letter) -> dict[str, str]:
    """Return the tags of a letter's own X-SES-MESSAGE-TAGS, `name=value, name=value`."""
    said = _own(letter, MESSAGE_TAGS_HEADER)
    pairs = (pair.partition("=") for pair in said.split(",")) if said is not None else ()
    return {name.strip(): value.strip() for name, _, value in pairs}


def _own(letter: Letter, name: str) -> str | None:
    """Return what a letter itself says in a header: among its headers, or in its raw mail."""
    by_name = {own.lower(): value for own, value in letter.headers.items()}
    if isinstance(letter.content, Raw):
        by_name = fields_of(letter.content.mime) | by_name
    return by_name.get(name.lower())


def fields_of(mime: bytes) -> dict[str, str]:
    """Return a mail's own header fields, lower-case name to unfolded value; of a repeated one the last."""
    return {
        found[1].decode().lower(): " ".join(found[2].decode("utf-8", "replace").split())
        for found in _FIELD.finditer(mime, 0, end_of_header(mime))
    }


def end_of_header(mime: bytes) -> int:
    """Return where the header block of *mime* ends: before the blank line, or at its end where there is none."""
    blank = _BLANK_LINE.search(mime)
    return len(mime) if blank is None else blank.start()


_READ_BY_SES = {CONFIGURATION_SET_HEADER.lower(), MESSAGE_TAGS_HEADER.lower()}

"""Which mail of ours a received mail answers, who answered, and which address of ours it came to: read from headers.

A mail names the one that it answers by its Message-ID, in In-Reply-To and References (RFC 5322, 3.6.4). SES writes
`<id@email.amazonses.com>` in us-east-1, `<id@REGION.amazonses.com>` elsewhere and `.com.cn` in China; what comes back
may have lost its brackets, been folded, quoted or commented on. Anybody else's ids are none of our business. Whether
the mail is an auto-reply is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from streams.mail.address import normal_address
from streams.mail.feedback import FeedbackRecipient

LONGEST = 64 * 1024
"""Characters of References that are looked at: a thread of 800 mails."""

_SES_FORM = r"[0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6}"
"""The form of all of SES's own message ids, such as 0102018c1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000."""
_OURS = re.compile(
    r"(?P<at_ses>[^\s<>()\"',;:@\\]+)@(?:[a-z0-9-]+\.)*amazonses\.com(?:\.cn)?(?![a-z0-9-]|\.[a-z0-9])"
    rf"|(?<![0-9a-z@.-])(?P<bare>{_SES_FORM})(?![0-9a-z@-])",
    re.IGNORECASE,
)
_LIKE_SES = re.compile(_SES_FORM, re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.)*"(?!@)')
_ADDRESS = re.compile(r"<\s*([^\s<>()]+@[^\s<>()]+)\s*>|(?<![^\s,;:])([^\s<>(),;:\"]+@[^\s<>(),;:\"]+)")
_LONGEST_ADDRESS = 998  # a line of a header, RFC 5322 2.1.1
_MAILER_DAEMON = "mailer-daemon@"


def answered_id(headers: Mapping[str, Sequence[str]]) -> str | None:
    """Return the SES message id, in normal form, of the mail that is answered; None where none of SES's is named.

    In-Reply-To goes first, since it names the one mail; then References from its end, where the nearest mail stands.
    """
    direct = [found for value in headers.get("in-reply-to", ()) for found in ses_ids(value)]
    thread = [found for value in headers.get("references", ()) for found in ses_ids(value)]
    return next(iter([*direct, *reversed(thread)]), None)


def ses_ids(value: str) -> list[str]:
    """Return every message id of SES in a header's value, in order and in normal form; those in comments come last."""
    written = value[-LONGEST:]
    bare = _COMMENT.sub(" ", written)
    return [*_ids(bare), *(_ids(" ".join(_COMMENT.findall(written))) if bare != written else ())]


def _ids(text: str) -> Iterable[str]:
    """Yield the ids in a text; the ones in SES's own form in lower case, as SES writes them."""
    for match in _OURS.finditer(text):
        found = match["at_ses"] or match["bare"]
        yield found.lower() if _LIKE_SES.fullmatch(found) else found


def answerer(headers: Mapping[str, Sequence[str]], envelope_from: str | None = None) -> FeedbackRecipient | None:
    """Return who answered: From, else Sender, else the envelope's sender; None where no address is to be had.

    *written* is the bare address in its own case, without the display name: a name is nothing that we need.
    """
    sender = [*headers.get("return-path", ()), *([] if envelope_from is None else [envelope_from])]
    for value in (*headers.get("from", ()), *headers.get("sender", ()), *sender):
        written = address_in(value)
        if written is None or written.lower().startswith(_MAILER_DAEMON):
            continue
        address = normal_address(written)
        return FeedbackRecipient(address=address, written=None if written == address else written)
    return None


def address_in(value: str) -> str | None:
    """Return the first address of a header's value, as it is written; None where there is none, as in `<>`."""
    match = _ADDRESS.search(_QUOTED_NAME.sub(" ", value[:_LONGEST_ADDRESS]))
    return None if match is None else match[1] or match[2]


def came_to(headers: Mapping[str, Sequence[str]], envelope_to: Iterable[str] = ()) -> str | None:
    """Return the address of ours that the mail came to, in normal form.

    The envelope's first, where it is known; else Delivered-To, which a server of ours wrote; else To.
    """
    values = [*envelope_to, *headers.get("delivered-to", ()), *headers.get("x-original-to", ()), *headers.get("to", ())]
    found = (address_in(value) for value in values)
    return next((normal_address(address) for address in found if address is not None), None)

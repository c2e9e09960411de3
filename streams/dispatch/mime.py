"""A letter as the bytes of a mail (RFC 5322, RFC 2045), for SMTP and for raw mails by the API.

A subject and bodies become a whole mail; a raw mail stays as it is, and only gets in front what is not said in it yet.
Date and Message-ID are left out: SES writes both, over whatever stands there (SES developer guide, "Amazon SES header
fields"). Bcc never becomes a header. SES takes ASCII addresses only, so a domain is written by IDNA (RFC 5891) and a
name by encoded words (RFC 2047), by either road.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from hashlib import blake2b

import idna

from streams.dispatch.headers import (
    CONFIGURATION_SET_HEADER,
    MESSAGE_TAGS_HEADER,
    configuration_set_of,
    end_of_header,
    fields_of,
    headers_of,
    tags_of,
)
from streams.mail.letter import Letter, Simple

_NAMED = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*", re.DOTALL)
_LINE = 76  # characters that a line should keep within, 78 with its end (RFC 5322 2.1.1)
_WORD = 60  # an encoded word, which may have 75 (RFC 2047 2): most headers' names then fit before it
_LONG_LINE = 900  # within the 998 that it must; SES's own headers stay on one line as far as may be
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=_LINE)  # a server without 8BITMIME takes it too
_BCC = ("bcc", "resent-bcc")


def mime_of(letter: Letter, content: Simple) -> bytes:
    """Return the whole mail of a subject and bodies, its lines ending in CRLF."""
    addressed = (("From", (letter.from_address,)), ("To", letter.to), ("Cc", letter.cc), ("Reply-To", letter.reply_to))
    head = [_address_line(name, addresses) for name, addresses in addressed if addresses]
    said = (("Subject", content.subject), *_read_by_ses(letter), *headers_of(letter))
    head += [_line(name, value) for name, value in said]
    return b"".join(head) + _bodies(content)


def raw_for_api(letter: Letter, mime: bytes) -> bytes:
    """Return a raw mail with our headers in front; the API says the configuration set and the tags beside it."""
    return _in_front(letter, headers_of(letter), _without(mime, _BCC if letter.recipients else ()))


def raw_for_smtp(letter: Letter, mime: bytes) -> bytes:
    """Return a raw mail with our headers in front, and those by which SES reads configuration set and tags."""
    read_by_ses = _read_by_ses(letter)  # said anew, with what the mail itself said in them
    bare = _without(mime, (*_BCC, *(name.lower() for name, _ in read_by_ses)))
    return _in_front(letter, [*read_by_ses, *headers_of(letter)], bare)


def ascii_mailbox(written: str) -> str:
    """Return an address as SES takes it, its name in encoded words and its domain in ASCII; ASCII stays as written."""
    if written.isascii():
        return written
    named = _NAMED.fullmatch(written)
    if named is None:
        return _ascii_address(written.strip())
    name = re.sub(r"\\(.)", r"\1", named[1].removeprefix('"').removesuffix('"'))
    address = _ascii_address(named[2].strip())
    if name.isascii():
        return formataddr((name, address)) if address.isascii() else f"<{address}>"
    return f"{one_line(name)} <{address}>"


def bare_address(written: str) -> str:
    """Return the address alone, as an SMTP envelope has it; its domain in ASCII."""
    named = _NAMED.fullmatch(written)
    return _ascii_address((written if named is None else named[2]).strip())


def one_line(value: str) -> str:
    """Return a header's value in ASCII on one line: encoded words where it is not ASCII."""
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=_WORD).encode(linesep="")


def _ascii_address(address: str) -> str:
    """Return *address* with its domain by IDNA; a domain that IDNA refuses stays, for SES to refuse."""
    local, at, domain = address.rpartition("@")
    try:
        return address if domain.isascii() else f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def _in_front(letter: Letter, headers: Iterable[tuple[str, str]], mime: bytes) -> bytes:
    """Return *mime* with those headers before it that it does not have; its own bytes and line ends stay."""
    own = fields_of(mime)
    first, ended, _ = mime.partition(b"\n")
    end = b"\n" if ended and not first.endswith(b"\r") else b"\r\n"
    lines = [_line(name, value, end) for name, value in headers if name.lower() not in own]
    if letter.reply_to and "reply-to" not in own:
        lines.append(_address_line("Reply-To", letter.reply_to, end))
    return b"".join(lines) + mime


def _without(mime: bytes, names: Iterable[str]) -> bytes:
    """Return *mime* without the header fields of these names, their folded lines included."""
    end = end_of_header(mime)
    head = mime[:end]
    for name in names:
        head = re.sub(rb"(?im)^" + name.encode() + rb"[ \t]*:.*(?:\n[ \t].*)*\n?", b"", head)
    return head + mime[end:]


def _read_by_ses(letter: Letter) -> list[tuple[str, str]]:
    """Return the headers by which SES reads, over SMTP, what the API takes as arguments."""
    chosen, tags = configuration_set_of(letter), tags_of(letter)
    headers = [] if chosen is None else [(CONFIGURATION_SET_HEADER, chosen)]
    return [*headers, (MESSAGE_TAGS_HEADER, ", ".join(f"{name}={value}" for name, value in tags.items()))]


def _line(name: str, value: str, end: bytes = b"\r\n") -> bytes:
    """Return one header field with its line end, folded at spaces; never before its first word (RFC 5322 2.2.3)."""
    longest = _LONG_LINE if name.upper().startswith("X-SES-") else _LINE
    lines = [f"{name}:"]
    for word in one_line(value).split(" "):
        if len(lines[-1]) + len(word) >= longest and lines[-1].strip() != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return end.join(line.encode("ascii") for line in lines) + end


def _address_line(name: str, addresses: Iterable[str], end: bytes = b"\r\n") -> bytes:
    """Return one header field of addresses."""
    return _line(name, ", ".join(map(ascii_mailbox, addresses)), end)


def _bodies(content: Simple) -> bytes:
    """Return what follows the letter's headers: text, HTML or both, with the headers that describe them."""
    built = EmailMessage(policy=_POLICY)
    text, html = content.text, content.html
    if text is not None or html is None:
        built.set_content("" if text is None else text, charset="utf-8")
    if html is not None and text is None:
        built.set_content(html, subtype="html", charset="utf-8")
    elif html is not None:
        built.add_alternative(html, subtype="html", charset="utf-8")
        built.set_boundary(_boundary(content))
    return built.as_bytes()


def _boundary(content: Simple) -> str:
    """Return a boundary that the bodies cannot hold, for it is made from them: nobody can write their own parts."""
    return "=_" + blake2b("\x1f".join(map(str, content)).encode(), digest_size=16).hexdigest()

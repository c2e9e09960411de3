"""From an operator's words to a mail.SendRequest, and what is checked before one is published.

The checks are dispatch's own, asked before instead of after: who is not told now would be told by an outcome FAILED.
No fault that is said here quotes an address or a word of the mail.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import typer

from streams.cli.options import moment, now, who_or_none
from streams.dispatch.fault import fault_of
from streams.dispatch.gate import MOST_RECIPIENTS
from streams.dispatch.reading import Mail, Reading
from streams.errors import Unusable, WorldFailed
from streams.mail.request import EVERYONE, Phase, Try
from streams.schemas.codec import Codec

MOST_BYTES = 1_000_000
"""Of a whole record: librdkafka's message.max.bytes, and a little less than what a broker takes by default."""

_STDIN = "-"
_NAME = "mail.SendRequest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said of one mail, word by word, as `send` has it."""

    from_: str | None = None
    to: list[str] | None = None
    cc: list[str] | None = None
    bcc: list[str] | None = None
    reply_to: list[str] | None = None
    subject: str | None = None
    text: str | None = None
    text_file: Path | None = None
    html_file: Path | None = None
    template: str | None = None
    data: str | None = None
    raw: str | None = None
    stream: str = ""
    request_id: str | None = None
    attempt: int = 1
    header: list[str] | None = None
    tag: list[str] | None = None
    configuration_set: str | None = None
    in_reply_to: str | None = None
    not_before: str | None = None
    expires: str | None = None


def request_of(said: Said) -> dict[str, Any]:
    """Return the mail.SendRequest that the words say; wrong words (exit code 2) where they say none."""
    if said.from_ is None:
        raise typer.BadParameter("is missing: who writes?", param_hint="--from")
    at = now()
    return {
        "request_id": str(uuid4()) if said.request_id is None else said.request_id,
        "attempt": said.attempt,
        "stream": said.stream,
        "requested_at": at,
        "not_before": None if said.not_before is None else moment(said.not_before, "--not-before", at),
        "expires_at": None if said.expires is None else moment(said.expires, "--expires", at),
        "from_address": said.from_,
        "to": said.to or [],
        "cc": said.cc or [],
        "bcc": said.bcc or [],
        "reply_to": said.reply_to or [],
        "in_reply_to": said.in_reply_to,
        "configuration_set": said.configuration_set,
        "headers": _pairs(said.header, ":", "--header"),
        "tags": _pairs(said.tag, "=", "--tag"),
        "content": _content(said),
    }


def fault_in(record: dict[str, Any], codec: Codec, at: int) -> str | None:
    """Return why dispatch would refuse a request, in words that quote nothing of it; None where it would not."""
    try:
        value = codec.encode(_NAME, record)
        reading = Reading(codec)
        reading.request(value)
    except Unusable as unusable:
        return unusable.detail
    mail = reading.mail(value)
    why = _fault_of_people(mail, record)
    if why is not None:
        return why
    if mail.expires_at is not None and mail.expires_at <= max(at, mail.not_before or 0):
        return "it expires before it may go out"
    if len(value) > MOST_BYTES:
        return f"it has {len(value):,} bytes, and a record may have {MOST_BYTES:,}: link to what is large"
    whole = Try(attempt=record["attempt"], to=EVERYONE, phase=Phase.WAITING, due=0)
    fault = fault_of(reading.letter(value, whole, mail.recipients))
    return None if fault is None else fault.text


def _fault_of_people(mail: Mail, record: dict[str, Any]) -> str | None:
    """Return what is wrong with whom a request names."""
    if not mail.recipients:
        return "there is nobody to send it to"
    if len(mail.recipients) > MOST_RECIPIENTS:
        return f"{len(mail.recipients)} recipients: SES takes {MOST_RECIPIENTS} at most"
    people = (record["from_address"], *record["to"], *record["cc"], *record["bcc"], *record["reply_to"])
    if any(who_or_none(address) is None for address in people):
        return "one of the addresses is none, such as ann@example.com or Ann <ann@example.com>"
    return None


def _content(said: Said) -> tuple[str, dict[str, Any]]:
    """Return what to send: exactly one of a subject with bodies, a template, a whole mail."""
    bodies = (said.subject, said.text, said.text_file, said.html_file)
    kinds = {
        "--subject": any(part is not None for part in bodies),
        "--template": said.template is not None,
        "--raw": said.raw is not None,
    }
    if list(kinds.values()).count(True) != 1:
        raise typer.BadParameter("wants one of --subject with a body, --template, or --raw", param_hint="the mail")
    if said.data is not None and said.template is None:
        raise typer.BadParameter("goes with --template", param_hint="--data")
    if said.raw is not None:
        return "mail.Raw", {"mime": sys.stdin.buffer.read() if said.raw == _STDIN else _read(Path(said.raw))}
    if said.template is not None:
        return "mail.Template", {"name": said.template, "data": _data(said.data)}
    return "mail.Simple", _simple(said)


def _simple(said: Said) -> dict[str, Any]:
    """Return a subject and bodies."""
    if said.subject is None:
        raise typer.BadParameter("is missing", param_hint="--subject")
    if said.text is not None and said.text_file is not None:
        raise typer.BadParameter("goes without --text", param_hint="--text-file")
    text = said.text if said.text_file is None else _text(said.text_file)
    html = None if said.html_file is None else _text(said.html_file)
    if text is None and html is None:
        raise typer.BadParameter("wants a body: --text, --text-file or --html-file", param_hint="--subject")
    return {"subject": said.subject, "text": text, "html": html}


def _data(text: str | None) -> str:
    """Return a template's data, which must be a JSON object."""
    if text is None:
        return "{}"
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter('wants a JSON object, such as \'{"name": "Ann"}\'', param_hint="--data")
    return text


def _pairs(words: list[str] | None, between: str, hint: str) -> dict[str, str]:
    """Return `name: value` or `name=value` as a mapping."""
    pairs: dict[str, str] = {}
    for word in words or ():
        name, found, value = word.partition(between)
        if not found or not name.strip():
            raise typer.BadParameter(f"wants a name, {between} and a value", param_hint=hint)
        pairs[name.strip()] = value.strip(" ")  # what ends a line stays, to be refused
    return pairs


def _text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError:
        raise typer.BadParameter("is no UTF-8", param_hint=str(path)) from None


def _read(path: Path) -> bytes:
    """Return a file's bytes; raises WorldFailed."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorldFailed(f"{path}: {error.strerror}") from error

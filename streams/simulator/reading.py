"""A SendEmail request as JSON, read into a `Submission`: the shapes of SESv2's API, and nothing of the account's rules.

Source: SESv2 API reference, SendEmail. A request may be anything: whatever has another shape than SES's is refused as
SES would refuse it. Nothing of a mail's text leaves this room.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from typing import Any

import orjson

from streams.simulator import virus
from streams.simulator.mail import Failure, Submission, Via, bare
from streams.simulator.mime import read_headers
from streams.simulator.refusals import BAD, NOT_FOUND, No
from streams.simulator.templates import Missing, Template, Templates, render

Json = dict[str, Any]


def submission_of(request: Json, templates: Templates, source_ip: str) -> Submission:
    """Return what a SendEmail request hands in.

    Raises:
        No: BadRequestException, or NotFoundException for a template.

    """
    content = _object(request, "Content")
    kinds = [kind for kind in ("Raw", "Simple", "Template") if content.get(kind) is not None]
    if len(kinds) != 1:
        raise No(BAD.saying("Content must be exactly one of Simple, Raw and Template."))
    found = _object(content, kinds[0])
    match kinds:
        case ["Raw"]:
            return _raw(request, _blob(found, "Data"), source_ip)
        case ["Simple"]:
            return _made(request, found, _simple(found), None, source_ip)
    template, failure = _rendered(found, templates)
    return _made(request, found, template, failure, source_ip)


def _raw(request: Json, raw: bytes, source_ip: str) -> Submission:
    """Read a mail that came ready-made: what the request says goes before what its headers say."""
    headers = read_headers(raw)
    to, cc, bcc = _destination(request)
    if not (to or cc or bcc):
        to, cc, bcc = headers.to, headers.cc, headers.bcc
    return Submission(
        via=Via.API,
        sender=_text(request, "FromEmailAddress") or headers.first("from") or "",
        to=to,
        cc=cc,
        bcc=bcc,
        headers=headers.shown,
        tags=headers.tags | _tags(request),
        configuration_set=_text(request, "ConfigurationSetName") or headers.configuration_set,
        virus=virus.in_mime(raw),
        size=len(raw),
        source_ip=source_ip,
    )


def _made(request: Json, content: Json, template: Template, failure: Failure | None, source_ip: str) -> Submission:
    """Read a mail that SES puts together, from its parts: simple, or a template filled in."""
    files = [_blob(one, "RawContent") for one in _objects(content, "Attachments")]
    to, cc, bcc = _destination(request)
    texts = (template.subject, template.text, template.html)
    return Submission(
        via=Via.API,
        sender=_text(request, "FromEmailAddress"),
        to=to,
        cc=cc,
        bcc=bcc,
        headers=_headers(request, content, template.subject),
        tags=_tags(request),
        configuration_set=_text(request, "ConfigurationSetName") or None,
        failure=failure,
        virus=any(map(virus.in_text, texts)) or any(map(virus.in_bytes, files)),
        size=sum(len(text.encode()) for text in texts) + sum(map(len, files)),
        source_ip=source_ip,
    )


def _simple(content: Json) -> Template:
    body = _object(content, "Body")
    parts = {name: _text(_object(body, name), "Data") for name in ("Text", "Html") if body.get(name) is not None}
    if not parts:
        raise No(BAD.saying("Body must have Text or Html."))
    return Template(_text(_object(content, "Subject"), "Data"), parts.get("Text", ""), parts.get("Html", ""))


def _rendered(content: Json, templates: Templates) -> tuple[Template, Failure | None]:
    """Return a template filled in, or empty and why it could not be."""
    name = _text(content, "TemplateName") or _text(content, "TemplateArn").rpartition("/")[2]
    if content.get("TemplateContent") is not None:
        template = template_of(_object(content, "TemplateContent"))
    elif name in templates:
        template = templates[name]
    else:
        raise No(NOT_FOUND.saying(f"Template {name} does not exist."))
    try:
        data = orjson.loads(_text(content, "TemplateData") or "{}")
        return render(template, data if isinstance(data, dict) else {}), None
    except orjson.JSONDecodeError:
        raise No(BAD.saying("TemplateData is not valid JSON.")) from None
    except Missing as missing:
        return Template("", "", ""), Failure(name, str(missing))


def template_of(content: Json) -> Template:
    """Return a template as the API writes one."""
    return Template(_text(content, "Subject"), _text(content, "Text"), _text(content, "Html"))


def _headers(request: Json, content: Json, subject: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that SES writes, in its order, and those that the sender adds."""
    destination = _object(request, "Destination") if request.get("Destination") is not None else {}
    lists = (
        ("Reply-To", _texts(request, "ReplyToAddresses")),
        ("To", _texts(destination, "ToAddresses")),
        ("Cc", _texts(destination, "CcAddresses")),
    )
    own = [(_text(one, "Name"), _text(one, "Value")) for one in _objects(content, "Headers")]
    return (
        ("From", _text(request, "FromEmailAddress")),
        *((name, ", ".join(every)) for name, every in lists if every),
        ("Subject", subject),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=UTF-8"),
        *own,
    )


def _destination(request: Json) -> tuple[tuple[str, ...], ...]:
    destination = _object(request, "Destination") if request.get("Destination") is not None else {}
    names = ("ToAddresses", "CcAddresses", "BccAddresses")
    return tuple(tuple(map(bare, _texts(destination, name))) for name in names)


def _tags(request: Json) -> dict[str, str]:
    return {_text(tag, "Name"): _text(tag, "Value") for tag in _objects(request, "EmailTags")}


def _object(parent: Json, name: str) -> Json:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise No(BAD.saying(f"{name} is missing or no structure."))
    return found


def _objects(parent: Json, name: str) -> list[Json]:
    found = parent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise No(BAD.saying(f"{name} is no list of structures."))
    return found


def _text(parent: Json, name: str) -> str:
    found = parent.get(name)
    if not isinstance(found, str | None):
        raise No(BAD.saying(f"{name} is no text."))
    return "" if found is None else found


def _texts(parent: Json, name: str) -> list[str]:
    found = parent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise No(BAD.saying(f"{name} is no list of texts."))
    return found


def _blob(parent: Json, name: str) -> bytes:
    try:
        return b64decode(_text(parent, name), validate=True)
    except Error:
        raise No(BAD.saying(f"{name} is no base64.")) from None

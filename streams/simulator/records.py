"""What an account keeps besides mail, by SES's API: its suppression list, its identities, its templates.

REST paths and shapes are those of botocore's service model `sesv2`; lists come in pages, in order of name. Every
identity is verified at once. Rules are in suppressed.py, identities.py and templates.py.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from streams.simulator.desk import Desk
from streams.simulator.identities import sort_of
from streams.simulator.reading import template_of
from streams.simulator.refusals import BAD, EXISTS, NO_TOKEN, NOT_FOUND, No
from streams.simulator.suppressed import Suppressed
from streams.simulator.wire import Json, read_json, said
from streams.simulator.words import SimulatorSettings

LARGEST_PAGE = 1000
REASONS = frozenset({"BOUNCE", "COMPLAINT"})

_LIST = "/v2/email/suppression/addresses"
_IDENTITIES = "/v2/email/identities"
_TEMPLATES = "/v2/email/templates"
_STATUS = "SUCCESS"


class Records:
    """The routes."""

    def __init__(self, desk: Desk, settings: SimulatorSettings) -> None:
        """Answer for the account of *desk*."""
        self._desk, self._settings = desk, settings

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.put(_LIST, self._suppress),
            web.get(_LIST, self._suppressed),
            web.get(_LIST + "/{name}", self._entry),
            web.delete(_LIST + "/{name}", self._release),
            web.post(_IDENTITIES, self._verify),
            web.get(_IDENTITIES + "/{name}", self._identity),
            web.delete(_IDENTITIES + "/{name}", self._forget),
            web.post("/v2/email/list-identities", self._identities),
            web.post(_TEMPLATES, self._write),
            web.get(_TEMPLATES, self._templates),
            web.get(_TEMPLATES + "/{name}", self._template),
            web.put(_TEMPLATES + "/{name}", self._rewrite),
            web.delete(_TEMPLATES + "/{name}", self._drop),
        ]

    async def _suppress(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        address, reason = body.get("EmailAddress"), body.get("Reason")
        if self._settings.sandbox:
            raise No(BAD.saying("Accounts in the sandbox have no suppression list of their own."))
        if not isinstance(address, str) or "@" not in address or reason not in REASONS:
            raise No(BAD.saying("EmailAddress must be an address, and Reason BOUNCE or COMPLAINT."))
        self._desk.account.suppressed.put(Suppressed(address, reason, self._desk.now()))
        return said({})

    async def _suppressed(self, request: web.Request) -> web.Response:
        query = request.query
        reasons = frozenset(query.getall("Reason", [])) or REASONS
        begin, end = _time(query.get("StartDate"), 0), _time(query.get("EndDate"), 1 << 62)
        every = self._desk.account.suppressed.entries()
        found = {one.address: one for one in every if one.reason in reasons and begin <= one.at <= end}
        page, more = _page(found, query.get("PageSize"), query.get("NextToken"))
        return said({"SuppressedDestinationSummaries": [_summary(found[address]) for address in page], **more})

    async def _entry(self, request: web.Request) -> web.Response:
        address = request.match_info["name"]
        found = self._desk.account.suppressed.find(address)
        if found is None:
            raise No(NOT_FOUND.saying(f"Email address {address} does not exist on your suppression list."))
        known = {"MessageId": found.message_id, "FeedbackId": found.feedback_id}
        attributes = {name: value for name, value in known.items() if value}
        return said({"SuppressedDestination": _summary(found) | ({"Attributes": attributes} if attributes else {})})

    async def _release(self, request: web.Request) -> web.Response:
        address = request.match_info["name"]
        if not self._desk.account.suppressed.remove(address):
            raise No(NOT_FOUND.saying(f"Email address {address} does not exist on your suppression list."))
        return said({})

    async def _verify(self, request: web.Request) -> web.Response:
        name = (await read_json(request)).get("EmailIdentity")
        if not isinstance(name, str) or not name:
            raise No(BAD.saying("EmailIdentity is missing."))
        if not self._desk.account.identities.add(name):
            raise No(EXISTS.saying(f"Email identity {name} already exists."))
        return said({"IdentityType": sort_of(name), "VerifiedForSendingStatus": True, "DkimAttributes": _DKIM})

    async def _identity(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._desk.account.identities:
            raise No(NOT_FOUND.saying(f"Email identity {name} does not exist."))
        return said(
            {
                "IdentityType": sort_of(name),
                "FeedbackForwardingStatus": True,
                "VerifiedForSendingStatus": True,
                "VerificationStatus": _STATUS,
                "DkimAttributes": _DKIM,
            }
        )

    async def _forget(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not self._desk.account.identities.remove(name):
            raise No(NOT_FOUND.saying(f"Email identity {name} does not exist."))
        return said({})

    async def _identities(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        page, more = _page(self._desk.account.identities.names(), body.get("PageSize"), body.get("NextToken"))
        return said({"EmailIdentities": [_named(name) for name in page], **more})

    async def _write(self, request: web.Request) -> web.Response:
        body, templates = await read_json(request), self._desk.account.templates
        name, content = body.get("TemplateName"), body.get("TemplateContent")
        if not isinstance(name, str) or not name or not isinstance(content, dict):
            raise No(BAD.saying("TemplateName and TemplateContent are needed."))
        if name in templates:
            raise No(EXISTS.saying(f"Template {name} already exists."))
        templates[name] = template_of(content)
        return said({})

    async def _rewrite(self, request: web.Request) -> web.Response:
        name, content = self._known(request), (await read_json(request)).get("TemplateContent")
        if not isinstance(content, dict):
            raise No(BAD.saying("TemplateContent is needed."))
        self._desk.account.templates[name] = template_of(content)
        return said({})

    async def _template(self, request: web.Request) -> web.Response:
        name = self._known(request)
        found = self._desk.account.templates[name]
        parts = {"Subject": found.subject, "Text": found.text, "Html": found.html}
        return said({"TemplateName": name, "TemplateContent": {part: text for part, text in parts.items() if text}})

    async def _templates(self, request: web.Request) -> web.Response:
        page, more = _page(self._desk.account.templates, request.query.get("PageSize"), request.query.get("NextToken"))
        return said({"TemplatesMetadata": [{"TemplateName": name} for name in page], **more})

    async def _drop(self, request: web.Request) -> web.Response:
        del self._desk.account.templates[self._known(request)]
        return said({})

    def _known(self, request: web.Request) -> str:
        """Return the name of a template that is there."""
        name = request.match_info["name"]
        if name not in self._desk.account.templates:
            raise No(NOT_FOUND.saying(f"Template {name} does not exist."))
        return name


_DKIM: Json = {"SigningEnabled": True, "Status": _STATUS, "Tokens": [], "SigningAttributesOrigin": "AWS_SES"}


def _summary(entry: Suppressed) -> Json:
    return {"EmailAddress": entry.address, "Reason": entry.reason, "LastUpdateTime": entry.at / 1000}


def _named(name: str) -> Json:
    return {
        "IdentityType": sort_of(name),
        "IdentityName": name,
        "SendingEnabled": True,
        "VerificationStatus": _STATUS,
    }


def _page(names: Iterable[str], size: object, token: object) -> tuple[list[str], Json]:
    """Return one page of *names*, and what is said where there are more. A token is the last name of the page before.

    Raises:
        No: a size or a token that is none of ours.

    """
    written = str(LARGEST_PAGE if size is None else size)
    if not (written.isdecimal() and 1 <= int(written) <= LARGEST_PAGE):
        raise No(BAD.saying(f"PageSize must be between 1 and {LARGEST_PAGE}."))
    try:
        after = "" if token is None else b64decode(str(token), altchars=b"-_", validate=True).decode()
    except (ValueError, Error):
        raise No(NO_TOKEN) from None
    most = int(written)
    rest = [name for name in sorted(names) if name > after]
    page = rest[:most]
    more = {"NextToken": urlsafe_b64encode(page[-1].encode()).decode()} if len(rest) > most else {}
    return page, more


def _time(written: str | None, otherwise: int) -> int:
    """Return a time of a query in ms since the epoch.

    Raises:
        No: it is no ISO 8601 time.

    """
    if written is None:
        return otherwise
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise No(BAD.saying("StartDate or EndDate is not a time.")) from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)

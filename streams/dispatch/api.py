"""The road by SES's API: one SendEmail a letter (SESv2), never more, and SES's own word on what the account may send.

botocore would try again by itself after a failure; here it may not, for SendEmail has no token that makes two calls
one, and a second call is a second mail. Whether to try again is decided above, by those who know the mail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import NoCredentialsError

from streams.dispatch.client import ses_client
from streams.dispatch.fault import fault_of
from streams.dispatch.headers import configuration_set_of, headers_of, tags_of
from streams.dispatch.mime import ascii_mailbox, one_line, raw_for_api
from streams.dispatch.trouble import TROUBLES, answer_of, name_of
from streams.mail.address import normal_message_id
from streams.mail.letter import Accepted, Answer, Letter, Quota, Raw, Refused, Silent, Simple, Template, Unsent
from streams.settings.dispatch import Dispatch

log = logging.getLogger(__name__)

MOST_HEADERS = 15
"""Headers beside a simple content or a template (SESv2 API reference, Message.Headers)."""

_NO_LIMIT = -1.0
_BEGUN: ContextVar[list[bool] | None] = ContextVar("begun", default=None)
"""Of the call at hand: whether botocore has given its request to HTTP."""


class ApiRoad:
    """Carries letters by SESv2 SendEmail; a `streams.dispatch.road.Road`."""

    via = "API"

    def __init__(self, settings: Dispatch, clock: Callable[[], int]) -> None:
        """Keep *settings*; *clock* says the time in ms since the epoch, for the answers."""
        self._settings = settings
        self._clock = clock
        self._longest = settings.call_timeout_ms / 1000
        self._client: Any = None
        self._opened = AsyncExitStack()
        self._quota: Quota | None = None
        self._grumbled = ""

    async def open(self) -> None:
        """Make the client; BadSettings where there is no region, or what AWS's own settings say cannot be used."""
        opened = AsyncExitStack()
        connections = self._settings.max_in_flight + 1  # one more: asking for the quota must not wait behind mails
        client = await opened.enter_async_context(ses_client(self._settings, connections=connections, tries=1))
        client.meta.events.register("before-send.sesv2.SendEmail", _begin)
        self._client, before, self._opened = client, self._opened, opened
        await before.aclose()

    async def close(self) -> None:
        """Close the connections."""
        self._client = None
        await self._opened.aclose()

    async def carry(self, letter: Letter) -> Answer:
        """Hand *letter* to SES once, within the call time-out; what became of it, never an error of the world's."""
        fault = fault_of(letter)
        if fault is not None:
            return Refused(*fault, self._clock())
        if self._client is None:
            return Unsent("closed", self._clock())
        begun: list[bool] = []
        token = _BEGUN.set(begun)
        try:
            async with asyncio.timeout(self._longest):
                said = await self._client.send_email(**call_of(letter))
        except TROUBLES as error:
            return answer_of(error, begun=bool(begun), at=self._clock())
        finally:
            _BEGUN.reset(token)
        message_id = said.get("MessageId")
        if not message_id:  # SES took it, and only its events will say under which name
            return Silent("unreadable", self._clock())
        return Accepted(normal_message_id(message_id), self._clock())

    async def quota(self) -> Quota | None:
        """Return what SES allows; on failure what it said last, None before it ever did, and a line in the log."""
        if self._client is None:
            return self._quota
        try:
            async with asyncio.timeout(self._longest):
                said = await self._client.get_account()
            self._quota = _quota_of(said)
        except NoCredentialsError as error:
            self._grumble(name_of(error))
            await self.open()  # a client that found no credentials never looks again; they may have come meanwhile
        except (*TROUBLES, LookupError, TypeError, ValueError) as error:  # the last three: an answer that is none
            self._grumble(name_of(error))
        else:
            self._grumbled = ""
        return self._quota

    def _grumble(self, why: str) -> None:
        """Say once why SES does not tell its quota, not every minute."""
        if why != self._grumbled:
            log.warning(
                "SES does not say what this account may send (GetAccount: %s): ses-streams doctor --only ses", why
            )
        self._grumbled = why


async def _begin(**_: Any) -> None:
    """Note that the call at hand has reached HTTP: from here on its mail may have gone."""
    begun = _BEGUN.get()
    if begun is not None:
        begun.append(True)


def call_of(letter: Letter) -> dict[str, Any]:
    """Return the arguments of SendEmail for *letter* (SESv2 API reference, SendEmail)."""
    chosen = configuration_set_of(letter)
    addressed = {"ToAddresses": letter.to, "CcAddresses": letter.cc, "BccAddresses": letter.bcc}
    destination = {name: _mailboxes(addresses) for name, addresses in addressed.items() if addresses}
    return {
        "FromEmailAddress": ascii_mailbox(letter.from_address),
        "Content": _content(letter),
        "EmailTags": [{"Name": name, "Value": value} for name, value in tags_of(letter).items()],
        **({"Destination": destination} if destination else {}),
        **({"ReplyToAddresses": _mailboxes(letter.reply_to)} if letter.reply_to else {}),
        **({} if chosen is None else {"ConfigurationSetName": chosen}),
    }


def _mailboxes(addresses: tuple[str, ...]) -> list[str]:
    """Return addresses as SES takes them."""
    return [ascii_mailbox(address) for address in addresses]


def _content(letter: Letter) -> dict[str, Any]:
    """Return one of SES's three contents."""
    match letter.content:
        case Raw(mime):
            return {"Raw": {"Data": raw_for_api(letter, mime)}}
        case Template(name, data):
            return {"Template": {"TemplateName": name, "TemplateData": data, "Headers": _headers(letter)}}
        case Simple(subject, text, html):
            bodies = {"Text": text, "Html": html}
            body = {name: _text(said) for name, said in bodies.items() if said is not None}
            return {"Simple": {"Subject": _text(subject), "Body": body, "Headers": _headers(letter)}}


def _text(said: str) -> dict[str, str]:
    """Return a text with its charset, which otherwise is 7-bit ASCII."""
    return {"Data": said, "Charset": "UTF-8"}


def _headers(letter: Letter) -> list[dict[str, str]]:
    """Return the headers beside a content: the request's own all, and of ours as many as SES takes besides."""
    said = headers_of(letter)
    own = sum(name in letter.headers for name, _ in said)
    return [{"Name": name, "Value": one_line(value)} for name, value in said[: max(own, MOST_HEADERS)]]


def _quota_of(said: dict[str, Any]) -> Quota:
    """Return what GetAccount says; SendingEnabled is the operator's switch, EnforcementStatus is AWS's."""
    quota = said["SendQuota"]
    sending = said.get("SendingEnabled", True) and said.get("EnforcementStatus") != "SHUTDOWN"
    return Quota(
        per_day=float(quota.get("Max24HourSend", _NO_LIMIT)),
        sent=float(quota.get("SentLast24Hours", 0)),
        per_second=float(quota["MaxSendRate"]),
        sending=bool(sending),
    )

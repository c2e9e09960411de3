"""What a call that ended without SES's answer leaves behind: a doubt, or the certainty that nothing went out.

The whole guarantee of dispatch hangs on this difference. A mail that certainly did not leave may go again at once; one
that perhaps did waits for SES's own word. So each row says how we know, and what nobody thought of is a doubt. What
SES does answer (a refusal, a throttle) is none of this file's business.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from streams.mail.letter import Answer, Refused, Silent, Unsent

SERVER_ERROR = 500
"""From this HTTP status on, SES failed on its side, and may have taken the mail all the same."""

TROUBLES = (boto.BotoCoreError, boto.ClientError, ResponseParserError, aiohttp.ClientError, OSError, RuntimeError)
"""All that a call of aiobotocore raises for what the world does. OSError: a token file that cannot be read.
RuntimeError: credentials that are as old after the refresh as before (botocore.credentials)."""


class Trouble(NamedTuple):
    """One row: an error, those within it (any where empty), whether the mail may have gone, a word, how we know."""

    error: type[Exception]
    within: tuple[type[BaseException], ...]
    doubt: bool
    why: str
    because: str


_CERTAIN, _DOUBT = False, True
_ANY: tuple[type[BaseException], ...] = ()
BEFORE = (
    Trouble(boto.ParamValidationError, _ANY, _CERTAIN, "validation", "botocore checks the shape before it signs"),
    Trouble(boto.EndpointProviderError, _ANY, _CERTAIN, "settings", "no host comes of this region: nobody to ask"),
    Trouble(TimeoutError, _ANY, _CERTAIN, "timeout", "our own time was up while credentials were fetched"),
    Trouble(Exception, _ANY, _CERTAIN, "credentials", "all that happens before a request is sent is fetching them"),
)
"""Before botocore handed the request to HTTP. STS's refusals, the metadata service's silence: all of it is here."""

AFTER = (
    Trouble(boto.SSLError, _ANY, _CERTAIN, "tls", "the handshake failed, and the request goes through it"),
    Trouble(boto.ProxyConnectionError, _ANY, _CERTAIN, "connection", "the proxy never opened the way"),
    Trouble(boto.ConnectTimeoutError, _ANY, _CERTAIN, "connection", "no connection: TCP or TLS did not come about"),
    Trouble(
        boto.EndpointConnectionError,
        (aiohttp.ClientConnectorError, socket.gaierror),
        _CERTAIN,
        "connection",
        "refused, unreachable, or no such name: aiohttp's word for a connection that was never made",
    ),
    Trouble(
        boto.EndpointConnectionError,
        _ANY,
        _DOUBT,
        "connection",
        "aiobotocore says the same of a connection that was reset under the request",
    ),
    Trouble(boto.ConnectionClosedError, _ANY, _DOUBT, "connection", "closed while we waited for the answer"),
    Trouble(boto.ReadTimeoutError, _ANY, _DOUBT, "timeout", "SES had the request, and was silent"),
    Trouble(TimeoutError, _ANY, _DOUBT, "timeout", "our own time was up while we waited"),
    Trouble(boto.HTTPClientError, _ANY, _DOUBT, "connection", "whatever else ended the exchange half way"),
    Trouble(ResponseParserError, _ANY, _DOUBT, "unreadable", "an answer came that is none of SES's"),
    Trouble(Exception, _ANY, _DOUBT, "unknown", "the honest default: the request was on its way"),
)
"""After that. Sources: aiobotocore's AIOHTTPSession.send, aiohttp.client_exceptions. The first that fits decides."""


def answer_of(error: Exception, *, begun: bool, at: int) -> Answer:
    """Return what *error* means for the mail; *begun* is whether its request had been handed to HTTP."""
    if begun and isinstance(error, boto.ClientError):
        return _said(error, at)
    row = next(row for row in (AFTER if begun else BEFORE) if _is(row, error))
    if row.why == "validation":
        return Refused("ValidationError", "an argument is empty or too long for SES's API", at)
    return Silent(row.why, at) if row.doubt else Unsent(row.why, at)


def name_of(error: Exception) -> str:
    """Return a word for *error* that is safe to log: SES's code, or the class; its text may hold an address."""
    if isinstance(error, boto.ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__


def readable(text: str) -> str:
    """Return *text* without halves of characters, which no record could carry."""
    return text.encode("utf-8", "replace").decode()


def _is(row: Trouble, error: Exception) -> bool:
    """Tell whether a row speaks of *error*."""
    if not isinstance(error, row.error):
        return False
    return not row.within or isinstance(getattr(error, "kwargs", {}).get("error"), row.within)


def _said(error: boto.ClientError, at: int) -> Answer:
    """Return what SES said: no; or that it failed, which leaves open whether it took the mail."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status >= SERVER_ERROR:
        return Silent("server error", at)
    told = error.response.get("Error", {})
    code = str(told.get("Code", "")) or str(status)
    # A gateway's bare status must not be taken for an SMTP code: 421 and 451 mean other things there.
    return Refused(f"HTTP{code}" if code.isdigit() else code, readable(str(told.get("Message", ""))), at)

"""Who may see addresses and change anything: whoever holds the one token (`web.token`).

It is sent as a bearer token (RFC 6750) with each request and kept nowhere else: no cookie, so no page of somebody
else's can make a browser use it. Comparing takes the same time however much of a guess is right.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus

from aiohttp import web
from pydantic import SecretStr

from streams.web.problems import Refused

SCHEME = "Bearer"
CLOSED = (
    "what shows addresses or changes anything is closed on this worker: "
    "set SES_STREAMS_WEB__TOKEN (web.token), the same on every worker, and send it as Authorization: Bearer"
)
WRONG = "this needs the token of SES_STREAMS_WEB__TOKEN, sent as Authorization: Bearer"


class Tokens:
    """Knows the token, if there is one."""

    def __init__(self, token: SecretStr | None) -> None:
        """Take it."""
        self._token = None if token is None else token.get_secret_value().encode()

    def is_right(self, token: str) -> bool:
        """Tell whether this is the token."""
        return self._token is not None and hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._token)

    def is_shown(self, request: web.Request) -> bool:
        """Tell whether a request brings the token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == SCHEME.lower() and self.is_right(token.strip())

    def check(self, request: web.Request) -> None:
        """Return if a request brings the token.

        Raises:
            Refused: it does not, or there is none to bring.
        """
        if self._token is None:
            raise Refused(HTTPStatus.FORBIDDEN, CLOSED)
        if not self.is_shown(request):
            raise Refused(HTTPStatus.UNAUTHORIZED, WRONG, headers={"WWW-Authenticate": SCHEME})

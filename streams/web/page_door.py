"""Who may see addresses on the page: whoever gives the token, by a form, and then bears a cookie that proves it.

The cookie holds no token: only until when it is good, and a keyed hash of that, by which any worker with the same token
knows it. HttpOnly keeps scripts from it, SameSite=Strict keeps other sites from using it; it ends after a working day,
and at once when the token is changed. The page changes nothing, so there is nothing for a forged request to do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

from aiohttp import web
from pydantic import SecretStr

from streams.web.sealed import Sealed

COOKIE = "ses_streams_page"
GOOD_FOR_S = 8 * 3600
_PURPOSE = b"the page of ses-streams, until "


class Door:
    """Tells whether a request may see addresses."""

    def __init__(self, token: SecretStr | None, now: Callable[[], int]) -> None:
        """Take the token of the settings, and a clock in ms since the epoch."""
        self._token = None if token is None else token.get_secret_value().encode()
        self._now, self.sealed = now, Sealed(token)

    @property
    def opened(self) -> bool:
        """Tell whether there is a token at all; without one nobody may."""
        return self._token is not None

    def knows(self, request: web.Request) -> bool:
        """Tell whether *request* bears a cookie that is still good."""
        until, _, proof = request.cookies.get(COOKIE, "").partition(".")
        if self._token is None or not until.isascii() or not until.isdigit():
            return False
        return int(until) > self._now() // 1000 and _same(proof, self._proof(until).encode())

    def fits(self, given: str) -> bool:
        """Tell whether *given* is the token."""
        return self._token is not None and hmac.compare_digest(
            given.strip().encode("utf-8", "surrogatepass"), self._token
        )

    def admit(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let *response* bring the cookie; over TLS it never leaves TLS again."""
        until = str(self._now() // 1000 + GOOD_FOR_S)
        secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        value = f"{until}.{self._proof(until)}"
        response.set_cookie(
            COOKIE, value, max_age=GOOD_FOR_S, path="/", httponly=True, samesite="Strict", secure=secure
        )

    def dismiss(self, response: web.StreamResponse) -> None:
        """Let *response* take the cookie away."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")

    def _proof(self, until: str) -> str:
        return hmac.new(self._token or b"", _PURPOSE + until.encode(), sha256).hexdigest()


def _same(given: str, right: bytes) -> bool:
    """Compare without telling by the time it takes how much is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right)

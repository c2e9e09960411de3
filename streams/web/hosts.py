"""By which names we are called, and by which not: a page of somebody else's must not become ours by a trick of DNS.

A browser that shows evil.example asks us as `Host: evil.example` once that name is made to lead here (DNS rebinding),
and takes our answers for that page's own. So we answer to IP addresses, to names that nobody can register, and to those
that an operator has named. Metrics and health are not asked by browsers, and hold nothing; they answer to every name.
"""

from __future__ import annotations

import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from streams.settings import Web
from streams.web.problems import Refused

_FOR_MACHINES = ("/metrics", "/health/")
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what an operator may listen on; it is looked for here
WHY = "this worker is not known by that name: if it should be, add the name to SES_STREAMS_WEB__HOSTS (web.hosts)"


def url_of(settings: Web, port: int) -> str:
    """Return where other workers reach us: what is set, else the address that we listen on, *port* being the real one.

    Who listens everywhere is reached by the machine's name.
    """
    if settings.advertise is not None:
        return settings.advertise
    host = socket.gethostname() if settings.host in _EVERYWHERE else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def only_known(settings: Web) -> Middleware:
    """Return what refuses requests for names that are not ours."""
    ours = frozenset(name.lower() for name in (urlsplit(url_of(settings, 0)).hostname or "", *settings.hosts))

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if host is not None and not request.path.startswith(_FOR_MACHINES) and not is_ours(host, ours):
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, WHY)
        return await handler(request)

    return check


def is_ours(host: str, ours: frozenset[str]) -> bool:
    """Tell whether a Host header names us: an IP address, a name without a dot, localhost, or one of *ours*."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if not name or "@" in host:
        return False
    if name in ours or "." not in name or name.endswith(".localhost"):
        return True
    return _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

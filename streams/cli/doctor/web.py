"""The worker's HTTP side: who reaches it, and what opens what shows addresses."""

from __future__ import annotations

from collections.abc import Iterator

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.dispatch.client import LOOPBACK
from streams.settings import Web

CLOSED = Rule(
    "TOKEN_NOT_SET",
    Level.ADVICE,
    "web.host is open to other machines and no token is set: what shows addresses, or changes anything, stays closed",
    "set SES_STREAMS_WEB__TOKEN to a secret: openssl rand -hex 32",
)
NO_TLS = Rule(
    "TOKEN_WITHOUT_TLS",
    Level.ADVICE,
    "the port {port} is open to other machines and speaks no TLS: token and addresses cross the network readable",
    "let something that speaks TLS stand before it, and no other machine reach it",
)
FINE = Rule("WEB_FINE", Level.OK, "{host}:{port}, {token}")
RULES = (CLOSED, NO_TLS, FINE)


def look(world: World) -> list[Finding]:
    """Look at the settings of the HTTP side."""
    return list(judge(world.settings.web))


def judge(web: Web) -> Iterator[Finding]:
    """Yield what is dangerous, or that nothing is."""
    is_open = web.host not in LOOPBACK
    found = []
    if is_open:
        found.append(CLOSED.found() if web.token is None else NO_TLS.found(port=web.port))
    yield from found
    if not found:
        yield FINE.found(host=web.host, port=web.port, token="no token" if web.token is None else "with a token")

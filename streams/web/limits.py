"""How often one client may ask: a bucket of tokens each, refilled at a steady rate.

It bounds what a runaway script costs a worker that has mail to see to, and how fast a token can be guessed. What stands
before us (a proxy, an ingress) is one client, and has limits of its own. A library was looked for: those that count per
client keep their clients by a timer of 10 ms in the worker's loop; these are a few lines.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from streams.web.problems import Refused

BURST_S = 5.0
"""So many seconds' worth may be asked at once."""
MOST_CLIENTS = 10_000
"""Who was not heard of for longest is forgotten beyond."""
_SITE = 64
"""Bits of an IPv6 address that one client has: the rest is its own to choose."""


class Limits:
    """A bucket for each client."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Let each client ask *rate* times a second for long."""
        self._rate, self._clock = rate, clock
        self._full = max(rate * BURST_S, 1.0)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take one and return 0, or the seconds until there is one."""
        now = self._clock()
        left, at = self._buckets.pop(client, (self._full, now))
        left = min(left + (now - at) * self._rate, self._full)
        wait = max((1 - left) / self._rate, 0.0)
        self._buckets[client] = (left if wait else left - 1, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait

    def check(self, request: web.Request) -> None:
        """Return if whoever asks may.

        Raises:
            Refused: too often; it says when again.
        """
        wait = self.take(client_of(request.remote))
        if wait:
            again = {"Retry-After": str(int(wait) + 1)}
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests from this client (web.rate)", headers=again)


def client_of(remote: str | None) -> str:
    """Return who asks, by IP address; of IPv6 the site."""
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address), _SITE), strict=False))
    return str(address)

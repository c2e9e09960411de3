"""Listens for posts from the open internet, for whichever roads have routes here: SNS, people who unsubscribe.

TLS is the business of whatever stands before it. It shows nothing of us: no metrics, no health, no page of its own;
those are on another port (streams/web), which the internet need not reach. No request is logged: a path may be secret.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator

from aiohttp import web
from aiohttp.http import HttpProcessingError

from streams.errors import cannot_listen

_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Server": "ses-streams"}
_IDLE_S = 75.0
"""How long a connection without a post stays open: longer than a load balancer's 60 s, so that it closes first."""
_LEAST_SPARE_S = 1.0


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether an error is a fault of ours: what is no HTTP is its sender's, who would fill the log with it."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_log = logging.getLogger(f"{__name__}.http")
_log.addFilter(_is_ours)


class Late(Exception):
    """A body did not come whole in time, or its sender has gone."""


class TooLarge(Exception):
    """A body is larger than may be."""


async def body_of(request: web.Request, most: int, patience_s: float) -> bytes:
    """Return the body of a post, and read no more of it than may be.

    Args:
        request: the post.
        most: bytes that a body may have.
        patience_s: within which it must have come whole.

    Raises:
        TooLarge: it is larger, by its own word or by what came.
        Late: it did not come, or not whole.

    """
    if (request.content_length or 0) > most:
        raise TooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(patience_s):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > most:
                    raise TooLarge
    except (TimeoutError, OSError, web.RequestPayloadError) as error:
        raise Late from error
    return bytes(body)


class Listener:
    """A web server for the routes of roads: `start`, then `port` says where, then `stop`."""

    def __init__(self, host: str, port: int, routes: Iterable[web.RouteDef], *, patience_s: float) -> None:
        """Nothing listens yet.

        Args:
            host: address to listen on.
            port: 0 takes a free one.
            routes: of the roads.
            patience_s: how long, when we stop, posts under way may take.

        """
        self._host, self._wanted = host, port
        app = web.Application()
        app.router.add_routes(list(routes))
        app.on_response_prepare.append(_guard)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log,
            handle_signals=False,
            # Whoever has gone away is not heard, but what they brought lands all the same.
            handler_cancellation=False,
            keepalive_timeout=_IDLE_S,
            shutdown_timeout=patience_s + _LEAST_SPARE_S,
        )

    @property
    def troubles(self) -> Iterator[str]:
        """Yield nothing: whoever is asked this way is answered by the same loop."""
        yield from ()

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while nothing listens."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else 0

    async def start(self) -> None:
        """Listen.

        Raises:
            WorldFailed: the port is taken, or the host is not ours.

        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._wanted).start()
        except OSError as error:
            await self._runner.cleanup()
            hint = "set SES_STREAMS_INTAKE__SNS__HOST or SES_STREAMS_INTAKE__SNS__PORT"
            raise cannot_listen(self._host, self._wanted, error, hint) from error

    async def stop(self) -> None:
        """Listen no more, and answer what is under way; twice is once."""
        await self._runner.cleanup()


async def _guard(_: web.Request, response: web.StreamResponse) -> None:
    """Put the same headers on every answer, errors too; a road's own words go first."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)

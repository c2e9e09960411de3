"""Serves metrics, health, and a plain page at `/` where no route brings a better one. Faust's own web server stays off.

It runs in the worker's event loop on purpose: if that loop hangs, the probes time out, which is what they are for.
Nothing here may show an address, and no request is logged: a path can hold one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from aiohttp import web

from streams.errors import cannot_listen
from streams.observe.exposition import Exposition
from streams.observe.health import Verdict
from streams.observe.metrics import Metrics
from streams.settings import Web
from streams.web.hosts import only_known, url_of
from streams.web.plain import STYLE_HASH, render
from streams.web.problems import as_problems, http_log

_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}' 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "ses-streams",
}


class Judge(Protocol):
    """Whoever knows how the process is."""

    def check(self) -> Verdict:
        """Judge now."""


class WebServer:
    """The HTTP side of one process: `start`, then `port` says where, then `stop`."""

    def __init__(self, settings: Web, metrics: Metrics, health: Judge, routes: Iterable[web.RouteDef] = ()) -> None:
        """Prepare the routes, and *routes* beside them, which see to it themselves who may ask; nothing listens yet."""
        self._routes = tuple(routes)
        self._settings = settings
        self._exposition = Exposition(metrics)
        self._health = health
        self._runner = web.AppRunner(
            self._app(), access_log=None, logger=http_log, handle_signals=False, shutdown_timeout=1.0
        )

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while nothing listens."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else 0

    @property
    def url(self) -> str:
        """Where other workers reach this server; to be asked once it listens."""
        return url_of(self._settings, self.port)

    async def start(self) -> None:
        """Listen.

        Raises:
            WorldFailed: the port is taken, or the host is not ours.

        """
        host, port = self._settings.host, self._settings.port
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise cannot_listen(host, port, error, "set SES_STREAMS_WEB__HOST or SES_STREAMS_WEB__PORT") from error

    async def stop(self) -> None:
        """Stop listening; twice is once."""
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[as_problems, only_known(self._settings)])
        if all(route.path != "/" for route in self._routes):
            app.router.add_get("/", self._page)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_routes(self._routes)
        app.on_response_prepare.append(_guard)
        return app

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=render(self._health.check()), content_type="text/html")

    async def _metrics(self, request: web.Request) -> web.Response:
        """Answer a scrape: with fifty streams writing takes a tenth of a second, in which the loop has work to do."""
        self._exposition.look()
        body, content_type = await asyncio.to_thread(self._exposition.written, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _live(self, _: web.Request) -> web.Response:
        verdict = self._health.check()
        return _told(verdict, well=verdict.live)

    async def _ready(self, _: web.Request) -> web.Response:
        verdict = self._health.check()
        return _told(verdict, well=verdict.ready)


def _told(verdict: Verdict, *, well: bool) -> web.Response:
    """Return a judgement as JSON; 503 is what probes understand."""
    body = {"state": verdict.state, "live": verdict.live, "ready": verdict.ready, "reasons": verdict.reasons}
    return web.json_response(body, status=200 if well else 503)


async def _guard(_: web.Request, response: web.StreamResponse) -> None:
    """Put the same headers on every answer, errors too."""
    response.headers.update(_HEADERS)

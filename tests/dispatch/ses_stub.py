"""An SES that says what a test tells it to: answers by script over real HTTP, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from streams.settings.dispatch import Dispatch

PATIENCE = 64 * 1024 * 1024


class Say(NamedTuple):
    """An answer over HTTP."""

    status: int
    body: Any
    error: str | None = None


class Cut(NamedTuple):
    """Close the connection instead of an answer: after the request, or within the answer's body."""

    halfway: bool = False


class Hang(NamedTuple):
    """Never answer."""


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]


def accepted(message_id: str = "0100-id") -> Say:
    """Return SES's yes."""
    return Say(200, {"MessageId": message_id})


def refused(status: int, code: str, message: str = "no") -> Say:
    """Return an error as SES writes it (AWS REST-JSON: the code in a header, the words in the body)."""
    return Say(status, {"message": message}, code)


class SesStub:
    """Answers by script; the last answer stands for all that follow."""

    def __init__(self, *script: Say | Cut | Hang) -> None:
        self.script = list(script)
        self.asked: list[Asked] = []
        self.url = ""
        self.arrived = asyncio.Event()

    def settings(self, **said: Any) -> Dispatch:
        """Return settings that lead here."""
        return Dispatch(**{"endpoint_url": self.url, "region": "eu-central-1", "call_timeout_ms": 5000} | said)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Do as the script says."""
        text = await request.text()
        self.asked.append(
            Asked(
                request.method, request.raw_path, dict(request.query), json.loads(text) if text.startswith("{") else {}
            )
        )
        self.arrived.set()
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        match step:
            case Hang():
                await asyncio.sleep(3600)
            case Cut(halfway=True):
                return await self._begin_and_cut(request)
            case Cut():
                assert request.transport is not None
                request.transport.close()
            case Say(status, body, error):
                headers = {} if error is None else {"x-amzn-ErrorType": error}
                told = body if isinstance(body, str) else json.dumps(body)
                return web.Response(status=status, text=told, headers=headers, content_type="application/json")
        return web.Response()

    async def _begin_and_cut(self, request: web.Request) -> web.StreamResponse:
        begun = web.StreamResponse(headers={"Content-Length": "100"})
        await begun.prepare(request)
        await begun.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return begun


@asynccontextmanager
async def ses(*script: Say | Cut | Hang) -> AsyncIterator[SesStub]:
    """Run a stub on a free port of this machine."""
    stub = SesStub(*script)
    app = web.Application(client_max_size=PATIENCE)
    app.router.add_route("*", "/{path:.*}", stub.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()

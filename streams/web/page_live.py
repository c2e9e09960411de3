"""The page while it is open: every two seconds a sample is taken, and each reader is sent the parts that changed.

Server-sent events: one answer that does not end. A part that looks as it did is not sent again. Readers are counted,
since each costs a drawing every two seconds; and they are let go when the worker stops, or it would wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from streams.web.overview import Overview

BEAT_S = 2.0
MOST_READERS = 50


class Drawn(NamedTuple):
    """How it goes, the title that says so, and the parts of the page by id."""

    overview: Overview
    title: str
    parts: Mapping[str, str]


class Live:
    """Beats while the worker runs; `stream` is what a reader's request becomes."""

    def __init__(self, draw: Callable[[bool], Coroutine[Any, Any, Drawn]], beat: Callable[[], None]) -> None:
        """Keep who draws the parts (with people named or not), and what is to be done at each beat."""
        self._draw, self._beat, self._beat_s = draw, beat, BEAT_S
        self._next = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._readers = 0
        self._drawn: dict[bool, asyncio.Task[Drawn]] = {}

    async def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let all readers go; twice is once."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self._next.set()

    async def stream(self, request: web.Request, may_see: Callable[[], bool]) -> web.StreamResponse:
        """Send the parts that changed, at every beat, until the reader leaves or the worker stops."""
        if self._readers >= MOST_READERS:
            told = f"{MOST_READERS} pages are open already"
            raise web.HTTPServiceUnavailable(text=told, headers={"Retry-After": "60"})
        self._readers += 1
        try:
            return await self._send(request, may_see)
        finally:
            self._readers -= 1

    async def _send(self, request: web.Request, may_see: Callable[[], bool]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        sent: dict[str, str] = {}
        try:
            while True:
                _, title, parts = await self.once(named=may_see())
                new = {part: drawn for part, drawn in parts.items() if sent.get(part) != drawn}
                sent |= new
                await response.write(b"data: " + orjson.dumps({"title": title, "parts": new}) + b"\n\n")
                await self._next.wait()
                if self._task is None:
                    return response
        except ConnectionResetError:
            return response

    async def once(self, *, named: bool) -> Drawn:
        """Return what is drawn since the last beat; drawn once, however many wait for it, be one of them gone."""
        if named not in self._drawn:
            self._drawn[named] = asyncio.create_task(self._draw(named))
        return await asyncio.shield(self._drawn[named])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            self._beat()
            self._drawn.clear()
            before, self._next = self._next, asyncio.Event()
            before.set()

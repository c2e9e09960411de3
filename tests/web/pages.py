"""A status page that is served for a test: what it looks at is said by the test, and so is the time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import html5lib
from pydantic import SecretStr

from streams.answers.model import Trace, Why
from streams.observe.health import Health
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Progress
from streams.settings import Web
from streams.web.limits import Limits
from streams.web.overview import Overview
from streams.web.page import Page
from streams.web.page_door import Door
from streams.web.server import WebServer
from tests.builders import NOON
from tests.web.overviews import overview, suppressed

HERE = "127.0.0.1"
TOKEN = "a token & more"  # noqa: S105 - a made-up one
ANN = "ann@example.com"


class Told:
    """Answers that a test has written down; what was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.whys: dict[str, Why] = {}
        self.traces: dict[str, Trace] = {}

    async def why(self, address: str) -> Why:
        self._hear(address)
        return self.whys[address]

    async def trace(self, message_id: str) -> Trace:
        self._hear(message_id)
        return self.traces[message_id]

    def _hear(self, asked: str) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error


@dataclass
class Site:
    """A page that is served, and a reader with a jar for cookies."""

    token: str | None = TOKEN
    seen: Overview = field(default_factory=overview)
    now: int = NOON
    beats: int = 0
    rate: float = 1000.0
    looked: list[bool] = field(default_factory=list)
    answers: Told = field(default_factory=Told)

    async def look(self, named: bool) -> Overview:
        """Return what a test wants to be seen; people are named as a worker names them."""
        self.looked.append(named)
        if named:
            return self.seen
        hidden = [notice.model_copy(update={"address": None}) for notice in self.seen.notices]
        return self.seen.model_copy(update={"notices": hidden})

    @asynccontextmanager
    async def served(self, beat_s: float = 0.02) -> AsyncIterator[Site]:
        door = Door(None if self.token is None else SecretStr(self.token), lambda: self.now)
        page = Page(self.look, self.answers, door, Limits(self.rate), self._beat)
        page.live._beat_s = beat_s
        progress = Progress(phase=Phase.RUNNING)
        health = Health(lambda: progress, lambda: self.now)
        self.page = page
        self.server = WebServer(Web(host=HERE, port=0), Metrics(), health, page.routes)
        await self.server.start()
        await page.live.start()
        jar = aiohttp.CookieJar(unsafe=True)  # of an IP address
        async with aiohttp.ClientSession(f"http://{HERE}:{self.server.port}", cookie_jar=jar) as self.client:
            yield self
        await page.live.stop()
        await self.server.stop()

    def url(self, question: str) -> str:
        """Return where a question is answered."""
        return self.page._sealed.url(question)

    def _beat(self) -> None:
        self.beats += 1

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(path) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, form: Mapping[str, str]) -> tuple[int, str]:
        async with self.client.post(path, data=form) as answer:
            return answer.status, await answer.text()


def named_site(**said: Any) -> Site:
    """Return a site on which one person was suppressed."""
    return Site(seen=overview(notices=[suppressed(address=ANN)]), **said)


def valid(page: str) -> str:
    """Return *page*, having seen that it is HTML without a fault."""
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(page)
    return page

"""The status page: how it goes, for whoever looks; what became of one mail or one person, for whoever has the token.

Whole without JavaScript: forms are posted, plots are drawn here. An address never stands in a URL as it is, since URLs
end up in histories and logs; sealed.py says how it stands there. The page reads, and changes nothing. Where numbers
come from is survey.py's business, what a question is answered with that of whoever gives the answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.resources import files
from typing import Any, NamedTuple

from aiohttp import web

from streams.web.limits import Limits, client_of
from streams.web.overview import Overview
from streams.web.page_answers import Answers, answered
from streams.web.page_door import Door
from streams.web.page_live import Drawn, Live
from streams.web.page_parts import PARTS, Drawer, title, told

STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}

Look = Callable[[bool], Awaitable[Overview]]
"""Return how it goes; with people named or not."""


class Asked(NamedTuple):
    """What was asked by the form; *sealed* where it stood beside an answer that only the token opens."""

    q: str
    token: str
    sealed: str


class Page:
    """The page's routes, and what they need; `live` is to be started and stopped with the worker."""

    def __init__(self, look: Look, answers: Answers, door: Door, limits: Limits, beat: Callable[[], None]) -> None:
        """Keep whom to ask; *beat* is called every two seconds, whether or not anybody looks."""
        self._look, self._answers, self._door, self._limits = look, answers, door, limits
        self._sealed, self._drawer = door.sealed, Drawer(door.sealed.url)
        here = files("streams.web") / "static"
        self._static = {name: (here / name).read_bytes() for name in STATIC}
        self.live = Live(self._drawn, beat)
        self.routes = (
            web.get("/", self._index),
            web.get("/live", self._live),
            web.get("/static/{name}", self._asset),
            web.get("/search", self._back),
            web.post("/search", self._search),
            web.get("/answers/{sealed}", self._answer),
            web.post("/leave", self._leave),
        )

    async def _index(self, request: web.Request) -> web.Response:
        named = self._door.knows(request)
        # it asks all workers: once a beat, not once a reader
        overview, _, _ = await self.live.once(named=named)
        return self._html("index.html", named=named, parts=PARTS, **_without(told(overview, named=named), "named"))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await self.live.stream(request, lambda: self._door.knows(request))

    async def _drawn(self, named: bool) -> Drawn:  # noqa: FBT001 - as Look is called
        overview = await self._look(named)
        return Drawn(overview, title(overview), self._drawer.parts(overview, named=named))

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        return web.Response(body=self._static[name], content_type=STATIC[name], charset="utf-8")

    async def _back(self, _: web.Request) -> web.Response:
        """Lead whoever comes to a search by its bare URL to where one can search."""
        raise web.HTTPSeeOther("/")

    async def _leave(self, _: web.Request) -> web.Response:
        back = web.HTTPSeeOther("/")
        self._door.dismiss(back)
        raise back

    async def _search(self, request: web.Request) -> web.Response:
        """Lead whoever asks, and may know, to the answer: a browser can go back to what it got, not to what it sent."""
        asked, known = await _form(request), self._door.knows(request)
        wait = self._limits.take(client_of(request.remote))
        if wait:
            return self._too_many(wait, known=known, q=asked.q)
        if not known and not self._door.fits(asked.token):
            wrong = "This is not the token." if asked.token else ""
            return self._closed(q=asked.q, wrong=wrong, sealed=asked.sealed)
        question = asked.q or (self._sealed.question(asked.sealed) or "")
        entered = web.HTTPSeeOther(self._sealed.url(question))
        if not known:
            self._door.admit(request, entered)
        raise entered

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer a question, if whoever asks may know."""
        wait, known = self._limits.take(client_of(request.remote)), self._door.knows(request)
        if wait:
            return self._too_many(wait, known=known)
        if not known:
            return self._closed(sealed=request.match_info["sealed"])
        question = self._sealed.question(request.match_info["sealed"])
        if question is None:
            raise web.HTTPNotFound
        found = await answered(self._answers, question)
        return self._html(found.template, status=found.status, named=True, q=question, **found.said)

    def _closed(self, **said: Any) -> web.Response:
        return self._html("closed.html", status=HTTPStatus.FORBIDDEN, **said)

    def _too_many(self, wait: float, *, known: bool, q: str = "") -> web.Response:
        wrong = f"Too many questions: ask again in {wait:.0f} s (web.rate)."
        return self._html("closed.html", status=HTTPStatus.TOO_MANY_REQUESTS, named=known, q=q, wrong=wrong)

    def _html(self, name: str, *, status: int = HTTPStatus.OK, named: bool = False, **said: Any) -> web.Response:
        """Return a page; every one of them knows whether the door is open, and whether people are named."""
        text = self._drawer.page(name, named=named, opened=self._door.opened, **said)
        return web.Response(text=text, content_type="text/html", status=status)


async def _form(request: web.Request) -> Asked:
    """Read the form; what is no text, such as a file, counts as nothing."""
    form = await request.post()
    q, token, sealed = (said if isinstance(said := form.get(name), str) else "" for name in Asked._fields)
    return Asked(q.strip(), token, sealed)


def _without(said: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != name}

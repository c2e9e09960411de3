"""Takes people who leave with one click (RFC 8058): a token in the path, a form posted to it, an event in Kafka.

A GET shows a page and changes nothing: scanners follow every link of a mail. A POST is answered with 200 only once the
event is in Kafka. The token is the whole proof, and a secret; no line here may log a path. Nothing is asked of cookies,
logins or where the browser comes from: mailbox providers post for people, from anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from streams.emit.landing import Full, Landing, NotLanded
from streams.inlets.listener import Late, TooLarge, body_of
from streams.inlets.sns.replays import Replays
from streams.inlets.sorting import Sorter
from streams.inlets.tally import Road, Tally
from streams.inlets.unsubscribe.form import is_one_click
from streams.inlets.unsubscribe.page import ASK, DONE, HEADERS, LATER, UNASKED, UNKNOWN, Said, render
from streams.intake.jsontext import dump
from streams.intake.unsubscribes import Leaving
from streams.mail.unsubscribe import ONE_CLICK, Leave, read_token
from streams.settings.unsubscribe import Unsubscribe, keys_of

log = logging.getLogger(__name__)

LARGEST = 16 * 1024
"""Bytes of a form; the one that is asked for has 26."""
_PATIENCE_S = 10.0
"""Within which a form must have come: it is one packet."""
_AGAIN_S = "30"
_REMEMBERED_MS, _MOST_REMEMBERED = 120_000, 100_000
_RAW = dump({"unsubscribe": ONE_CLICK})


class OneClick:
    """The routes by which people leave, for whatever server listens to the world."""

    def __init__(
        self, settings: Unsubscribe, landing: Landing, sorter: Sorter, tally: Tally, clock: Callable[[], int]
    ) -> None:
        """Take tokens behind the path of `settings.url`; without one, people come by none."""
        self._path = None if settings.url is None else urlsplit(settings.url).path.rstrip("/")
        self._keys = keys_of(settings)
        self._landing = landing
        self._sorter = sorter
        self._tally = tally
        self._clock = clock
        self._landed = Replays(clock, remember_ms=_REMEMBERED_MS, most=_MOST_REMEMBERED)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return them: HEAD and GET, which show, and POST, which acts; none where nothing is set."""
        if self._path is None:
            return ()
        log.info("people leave at %s/, by keys %s", self._path, ", ".join(key.id.hex() for key in self._keys))
        path = f"{self._path}/{{token}}"
        return web.get(path, self._show), web.post(path, self._take)

    async def _show(self, request: web.Request) -> web.Response:
        leave = self._leave(request)
        return _page(HTTPStatus.NOT_FOUND, UNKNOWN) if leave is None else _page(HTTPStatus.OK, ASK, leave)

    async def _take(self, request: web.Request) -> web.Response:
        leave = self._leave(request)
        if leave is None:
            return self._refuse("token", _page(HTTPStatus.NOT_FOUND, UNKNOWN))
        try:
            body = await body_of(request, LARGEST, _PATIENCE_S)
        except TooLarge:
            return self._refuse("too_large", _page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, UNASKED, leave))
        except Late:
            return self._refuse("incomplete", _later(leave))
        if not is_one_click(request.headers.get("Content-Type", ""), body):
            return self._refuse("not_one_click", _page(HTTPStatus.BAD_REQUEST, UNASKED, leave))
        return await self._land(leave)

    async def _land(self, leave: Leave) -> web.Response:
        """Answer once it is in Kafka; who asks again within a minute has been heard."""
        said = Leaving(leave=leave, how=ONE_CLICK).feedback(occurred_at=self._clock(), headers={}, raw=_RAW)
        found = self._sorter.event(said)
        try:
            fresh = await self._landed.once(said.feedback_id, lambda: self._landing.land(found.records))
        except (Full, NotLanded):
            self._tally.failed(Road.UNSUBSCRIBE)
            return _later(leave)
        if fresh:
            self._tally.landed(Road.UNSUBSCRIBE, found)
        else:
            self._tally.repeated(Road.UNSUBSCRIBE)
        return _page(HTTPStatus.OK, DONE, leave)

    def _leave(self, request: web.Request) -> Leave | None:
        return read_token(request.match_info["token"], self._keys)

    def _refuse(self, reason: str, answer: web.Response) -> web.Response:
        self._tally.refused(Road.UNSUBSCRIBE, reason)
        return answer


def _later(leave: Leave) -> web.Response:
    """Ask for patience, for as long as a short trouble takes."""
    answer = _page(HTTPStatus.SERVICE_UNAVAILABLE, LATER, leave)
    answer.headers["Retry-After"] = _AGAIN_S
    return answer


def _page(status: HTTPStatus, said: Said, leave: Leave | None = None) -> web.Response:
    return web.Response(status=status, text=render(said, leave), content_type="text/html", headers=HEADERS)

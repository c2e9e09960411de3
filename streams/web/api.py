"""The HTTP API: messages, recipients and the overview, from any worker for any key.

Each request passes the same gate (how often, by whom) and is read by its model. Who answers is anywhere.py's business,
what an answer says `streams.answers`'; what is written is an instruction. No request is logged, and no error repeats
what was asked.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from streams.decide.instruction import Action
from streams.emit.instruct import Word
from streams.mail.address import Who
from streams.web.anywhere import Anywhere
from streams.web.asked import (
    Instructed,
    Names,
    Overlook,
    Release,
    ReleaseWhom,
    Scope,
    Suppress,
    SuppressWhom,
    Whom,
    later_than,
)
from streams.web.limits import Limits
from streams.web.openapi import document
from streams.web.operations import DOCUMENT, OPERATIONS, Operation
from streams.web.peers import is_asked_by_peer
from streams.web.problems import Refused, Wrong
from streams.web.reading import address_of, body_of, message_id_of, query_of, who_of
from streams.web.tokens import Tokens

Write = Callable[..., Awaitable[dict[str, Any]]]
"""Writes an instruction (streams/web/instructing.py)."""


class Api:
    """The routes of the API, and what is done for each."""

    def __init__(
        self,
        anywhere: Anywhere,
        *,
        tokens: Tokens,
        limits: Limits,
        write: Write,
        clock: Callable[[], int],
    ) -> None:
        """Keep what it is wired to; *clock* tells ms since the epoch."""
        self._anywhere, self._tokens, self._limits, self._write, self._clock = anywhere, tokens, limits, write, clock
        self._document = json.dumps(document(), indent=1).encode()

    def routes(self) -> list[web.RouteDef]:
        """Return a route for each operation, and one for their description."""
        made = [web.route(one.method, one.path, self._guarded(one)) for one in OPERATIONS]
        return [*made, web.route("GET", DOCUMENT, self._describe)]

    def _guarded(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return what does an operation for whoever may have it done.

        What another worker asks with the token was counted there.
        """
        do: Callable[[web.Request], Awaitable[web.Response]] = getattr(self, f"_{operation.id}")

        async def guarded(request: web.Request) -> web.Response:
            if not (is_asked_by_peer(request) and self._tokens.is_shown(request)):
                self._limits.check(request)
            if not operation.open:
                self._tokens.check(request)
            return await do(request)

        return guarded

    async def _describe(self, _: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    async def _why(self, request: web.Request) -> web.Response:
        return _said(await self._anywhere.why(address_of(request).recipient, asked=is_asked_by_peer(request)))

    async def _why_by_body(self, request: web.Request) -> web.Response:
        recipient = who_of((await body_of(request, Whom)).address).recipient
        return _said(await self._anywhere.why(recipient, asked=is_asked_by_peer(request)))

    async def _trace(self, request: web.Request) -> web.Response:
        """Answer; that nothing is known, a worker wants to hear whole, and anybody else as a status."""
        asked = is_asked_by_peer(request)
        found = await self._anywhere.trace(message_id_of(request), asked=asked)
        if not found.known and not asked:
            raise Refused(HTTPStatus.NOT_FOUND, "nothing is known of a message with this id")
        return _said(found)

    async def _suppress(self, request: web.Request) -> web.Response:
        return await self._suppressed(address_of(request), await body_of(request, Suppress))

    async def _suppress_by_body(self, request: web.Request) -> web.Response:
        asked = await body_of(request, SuppressWhom)
        return await self._suppressed(who_of(asked.address), asked)

    async def _suppressed(self, who: Who, asked: Suppress) -> web.Response:
        if not later_than(asked.until, self._clock()):
            over = Wrong(where="until", what="this time is over")
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the body is not as it should be", errors=[over])
        until = None if asked.until is None else round(asked.until.timestamp() * 1000)
        return await self._instruct(who, Action.SUPPRESS, asked, reason=asked.reason.value, until=until)

    async def _release(self, request: web.Request) -> web.Response:
        return await self._instruct(address_of(request), Action.RELEASE, query_of(request, Release))

    async def _release_by_body(self, request: web.Request) -> web.Response:
        asked = await body_of(request, ReleaseWhom)
        return await self._instruct(who_of(asked.address), Action.RELEASE, asked)

    async def _instruct(self, who: Who, action: Action, asked: Release, **more: Any) -> web.Response:
        word = Word(asked.by, self._clock(), asked.why)
        record = await self._write(who, action, word, scope=asked.scope, **more)
        times = {name: _moment(record.get(name)) for name in ("at", "until")}
        return _said(Instructed.model_validate(record | times), HTTPStatus.ACCEPTED)

    async def _overview(self, request: web.Request) -> web.Response:
        """Answer for this worker, or for all of them; addresses are for those who show the token."""
        asked = query_of(request, Overlook)
        named = asked.names is Names.SHOWN and self._tokens.is_shown(request)
        return _said(await self._anywhere.overview(group=asked.scope is Scope.GROUP, named=named))


def _said(answer: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, body=answer.model_dump_json().encode(), content_type="application/json")


def _moment(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC)

"""The simulator's own routes, beside SES's: what its world is like, what it took, and how it is.

`GET` and `POST /simulator/conditions`, `GET /simulator/sent` (NDJSON, with addresses, without subjects or text),
`GET /simulator/health`, `POST /simulator/reset`. There is no login: whoever reaches the port may use them, which is why
the simulator listens on this machine only, unless told otherwise.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice

import orjson
from aiohttp import web

from streams.errors import BadSettings
from streams.simulator.desk import Desk, Sent
from streams.simulator.events import iso
from streams.simulator.refusals import BAD, No
from streams.simulator.telling import Teller
from streams.simulator.wire import Json, read_json, said

_LINES = 1000
"""How many lines go out in one piece."""


class Steering:
    """The routes."""

    def __init__(self, desk: Desk, teller: Teller) -> None:
        """Steer *desk* and *teller*."""
        self._desk, self._teller = desk, teller

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/simulator/conditions", self._show),
            web.post("/simulator/conditions", self._change),
            web.get("/simulator/sent", self._sent),
            web.get("/simulator/health", self._health),
            web.post("/simulator/reset", self._reset),
        ]

    async def _show(self, _: web.Request) -> web.Response:
        return said(asdict(self._desk.conditions))

    async def _change(self, request: web.Request) -> web.Response:
        words = await read_json(request)
        try:
            self._desk.conditions = self._desk.conditions.changed(words)
        except BadSettings as wrong:
            raise No(BAD.saying(str(wrong))) from None
        return said(asdict(self._desk.conditions))

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        sent = iter(tuple(self._desk.sent))  # a copy: mail comes in while this goes out
        while lines := b"".join(_line(one) for one in islice(sent, _LINES)):
            await response.write(lines)
        await response.write_eof()
        return response

    async def _health(self, _: web.Request) -> web.Response:
        return said({"state": "up", **self.counts()})

    async def _reset(self, _: web.Request) -> web.Response:
        self._teller.forget()
        self._desk.reset()
        return said({})

    def counts(self) -> Json:
        """Return what was done so far: mails accepted, requests refused by SES's name for it, events by kind."""
        return {
            "accepted": self._desk.account.accepted,
            "refused": dict(sorted(self._desk.refused.items())),
            "events": dict(sorted(self._teller.told.items())),
            "waiting": self._teller.waiting,
            "undelivered": self._teller.undelivered,
        }


def _line(sent: Sent) -> bytes:
    """Return one accepted mail; *answered* is false where the sender was not told."""
    return orjson.dumps(
        {
            "message_id": sent.message_id,
            "at": iso(sent.at),
            "from": sent.sender,
            "recipients": sent.recipients,
            "tags": sent.tags,
            "via": sent.via,
            "answered": sent.answered,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )

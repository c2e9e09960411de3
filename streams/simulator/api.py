"""SES's API, version 2, as far as sending needs it: what an unmodified SDK says, answered as SES answers.

REST paths and shapes are those of botocore's service model `sesv2`. Signatures are not verified: any credentials will
do. Errors are JSON with the header `x-amzn-ErrorType`. No request is logged: a path can hold an address.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from streams.simulator.desk import Desk, Silence
from streams.simulator.reading import submission_of
from streams.simulator.refusals import Refusal
from streams.simulator.wire import read_json, refused, said
from streams.simulator.words import SimulatorSettings


class Sending:
    """SendEmail and GetAccount."""

    def __init__(self, desk: Desk, settings: SimulatorSettings, closing: asyncio.Event) -> None:
        """Answer for *desk*; *closing* lets those go who wait for an answer in vain."""
        self._desk, self._settings, self._closing = desk, settings, closing

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/v2/email/outbound-emails", self._send),
            web.get("/v2/email/account", self._account),
            web.put("/v2/email/account/sending", self._pause),
        ]

    async def _send(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        source_ip = request.remote or "127.0.0.1"
        templates = self._desk.account.templates
        answer = await self._desk.hand_in(lambda: submission_of(body, templates, source_ip))
        if isinstance(answer, Silence):
            await self._closing.wait()
            raise web.HTTPServiceUnavailable
        return refused(answer) if isinstance(answer, Refusal) else said({"MessageId": answer})

    async def _account(self, _: web.Request) -> web.Response:
        conditions, settings = self._desk.conditions, self._settings
        stopped = conditions.refuse == "AccountSuspendedException"
        quota = {
            "Max24HourSend": conditions.quota,
            "MaxSendRate": conditions.rate,
            "SentLast24Hours": float(self._desk.account.pace.sent(self._desk.now())),
        }
        return said(
            {
                "DedicatedIpAutoWarmupEnabled": False,
                "EnforcementStatus": "SHUTDOWN" if stopped else "HEALTHY",
                "ProductionAccessEnabled": not settings.sandbox,
                "SendQuota": quota,
                "SendingEnabled": not (conditions.paused or stopped),
                "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
            }
        )

    async def _pause(self, request: web.Request) -> web.Response:
        wanted = (await read_json(request)).get("SendingEnabled", False)
        self._desk.conditions = self._desk.conditions.changed({"paused": not wanted})
        return said({})

"""What an operator sees and does about subscriptions that wait: `GET` and `POST /api/v1/subscriptions`.

Both need the bearer token of SES_STREAMS_WEB__TOKEN, and are closed without one. A SubscribeURL is never shown: whoever
has it can subscribe. Which topics there may be was decided by the settings; here only whether one is confirmed now.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

import orjson
from aiohttp import web
from pydantic import SecretStr

from streams.inlets.listener import Late, TooLarge, body_of
from streams.inlets.sns.confirm import Confirmations, Pending

PATH = "/api/v1/subscriptions"
_MOST = 4_096
_PATIENCE_S = 10.0


class Subscriptions:
    """The routes, for the operators' server."""

    def __init__(self, confirmations: Confirmations, token: SecretStr | None) -> None:
        """Show and confirm what waits in *confirmations*, to whoever has *token*."""
        self._confirmations, self._token = confirmations, token

    def routes(self) -> list[web.RouteDef]:
        """Return them."""
        return [web.get(PATH, self._list), web.post(PATH, self._confirm)]

    def figures(self) -> dict[str, dict[tuple[str, ...], float]]:
        """Return how many wait to be confirmed; for Metrics.look_up."""
        waiting = [one for one in self._confirmations.pending() if one.url is not None]
        return {"ses_intake_pending_subscriptions": {(): float(len(waiting))}}

    async def _list(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        return web.json_response({"subscriptions": [_shown(one) for one in self._confirmations.pending()]})

    async def _confirm(self, request: web.Request) -> web.Response:
        """Confirm what waits for the topic of `{"topic_arn": ...}`; it must be one that waits."""
        if refused := self._refused(request):
            return refused
        topic = await _topic(request)
        if topic is None:
            return _error(400, 'say which: {"topic_arn": "arn:aws:sns:..."}')
        if not any(one.topic_arn == topic and one.url is not None for one in self._confirmations.pending()):
            return _error(404, "no subscription of this topic waits to be confirmed")
        if not await self._confirmations.confirm(topic):
            return _error(502, "SNS did not confirm it: look at the log, and try again")
        return web.json_response({"confirmed": topic})

    def _refused(self, request: web.Request) -> web.Response | None:
        if self._token is None:
            return _error(403, "closed: set SES_STREAMS_WEB__TOKEN")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not compare_digest(given, f"Bearer {self._token.get_secret_value()}".encode()):
            return _error(401, "say who you are: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
        return None


def _shown(pending: Pending) -> dict[str, Any]:
    since = datetime.fromtimestamp(pending.since / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "topic_arn": pending.topic_arn,
        "kind": pending.kind,
        "since": since.replace("+00:00", "Z"),
        "count": pending.count,
        "can_be_confirmed": pending.url is not None,
    }


async def _topic(request: web.Request) -> str | None:
    try:
        said = orjson.loads(await body_of(request, _MOST, _PATIENCE_S))
    except (TooLarge, Late, orjson.JSONDecodeError):
        return None
    topic = said.get("topic_arn") if isinstance(said, dict) else None
    return topic if isinstance(topic, str) else None


def _error(status: int, words: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": words}, status=status, headers=headers)

"""What an operator sees and does about subscriptions that wait: `GET` and `POST /api/v1/subscriptions`.

Who may ask, and how often, is for the check that comes in. A SubscribeURL is never shown: whoever has it can subscribe.
Which topics there may be was decided by the settings; here only whether one is confirmed now.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from streams.inlets.listener import Late, TooLarge, body_of
from streams.inlets.sns.confirm import Confirmations, Pending

PATH = "/api/v1/subscriptions"
_MOST = 4_096
_PATIENCE_S = 10.0

Check = Callable[[web.Request], None]
"""Raises what becomes the answer, where whoever asks may not."""


class Subscriptions:
    """The routes, for the operators' server."""

    def __init__(self, confirmations: Confirmations, check: Check) -> None:
        """Show and confirm what waits in *confirmations*, to whoever passes *check*."""
        self._confirmations, self._check = confirmations, check

    def routes(self) -> list[web.RouteDef]:
        """Return them."""
        return [web.get(PATH, self._list), web.post(PATH, self._confirm)]

    def figures(self) -> dict[str, dict[tuple[str, ...], float]]:
        """Return how many wait to be confirmed; for Metrics.look_up."""
        waiting = [one for one in self._confirmations.pending() if one.url is not None]
        return {"ses_intake_pending_subscriptions": {(): float(len(waiting))}}

    async def _list(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.json_response({"subscriptions": [_shown(one) for one in self._confirmations.pending()]})

    async def _confirm(self, request: web.Request) -> web.Response:
        """Confirm what waits for the topic of `{"topic_arn": ...}`; it must be one that waits."""
        self._check(request)
        topic = await _topic(request)
        if topic is None:
            return _error(400, 'say which: {"topic_arn": "arn:aws:sns:..."}')
        if not any(one.topic_arn == topic and one.url is not None for one in self._confirmations.pending()):
            return _error(404, "no subscription of this topic waits to be confirmed")
        if not await self._confirmations.confirm(topic):
            return _error(502, "SNS did not confirm it: look at the log, and try again")
        return web.json_response({"confirmed": topic})


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


def _error(status: int, words: str) -> web.Response:
    return web.json_response({"error": words}, status=status)

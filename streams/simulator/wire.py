"""How requests are read and answers written over HTTP: SES's JSON, and SES's errors. Nothing of SES's rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from streams.simulator.refusals import BAD, TOO_LONG, No, Refusal

Json = dict[str, Any]
Route = Callable[[web.Request], Awaitable[web.StreamResponse]]

UNKNOWN = Refusal("UnknownOperationException", 404, 554, "The simulator has no such operation.")


async def read_json(request: web.Request) -> Json:
    """Return the body of a request; no body is an empty structure.

    Raises:
        No: it is no JSON object.

    """
    body = await request.read()
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        raise No(BAD.saying("The request is not valid JSON.")) from None
    if not isinstance(found, dict):
        raise No(BAD.saying("The request is no structure."))
    return found


def said(body: Json, status: int = 200) -> web.Response:
    """Return a structure as SES answers one."""
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def refused(refusal: Refusal) -> web.Response:
    """Return an error as SES answers one; SDKs read its name from the header."""
    response = said({"message": refusal.words}, refusal.http)
    response.headers["x-amzn-ErrorType"] = refusal.code
    return response


@web.middleware
async def errors(request: web.Request, handler: Route) -> web.StreamResponse:
    """Answer a `No` as SES would, and what nobody serves too."""
    try:
        return await handler(request)
    except No as no:
        return refused(no.refusal)
    except web.HTTPRequestEntityTooLarge:
        return refused(TOO_LONG)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return refused(UNKNOWN)

"""Reads what a request of the API says: address, message id, query and body, each by its model or refused.

Nothing is read past its largest size, or for longer than its time, and no refusal repeats what was read.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from streams.mail.address import Who, normal_message_id
from streams.web.asked import whom
from streams.web.problems import Refused, Wrong, invalid

LARGEST = 64 * 1024
"""Bytes of a body."""
_BODY_S = 10.0
"""Within which a body must have come."""
_LONGEST_ID = 512

Model = TypeVar("Model", bound=BaseModel)


def address_of(request: web.Request) -> Who:
    """Return the recipient whom the path names."""
    return who_of(request.match_info["address"])


def who_of(text: str) -> Who:
    """Return the recipient whom a text names."""
    found = whom(text)
    if found is None:
        wrong = Wrong(where="address", what="this is no mail address, such as ann@example.com")
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the address is none", errors=[wrong])
    return found


def message_id_of(request: web.Request) -> str:
    """Return the message id of the path in normal form."""
    found = normal_message_id(request.match_info["id"])
    if not found or len(found) > _LONGEST_ID or not found.isprintable():
        wrong = Wrong(where="id", what="this is no message id")
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the message id is none", errors=[wrong])
    return found


def query_of(request: web.Request, model: type[Model]) -> Model:
    """Return the query as a model says it."""
    twice = {name for name in request.query if len(request.query.getall(name)) > 1}
    if twice:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "a parameter comes twice")
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise invalid(error, "query") from error


async def body_of(request: web.Request, model: type[Model]) -> Model:
    """Return the body as a model reads it."""
    if request.content_type != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    try:
        async with asyncio.timeout(_BODY_S):
            body = await request.content.read(LARGEST + 1)
            while len(body) <= LARGEST and not request.content.at_eof():
                body += await request.content.read(LARGEST + 1 - len(body))
    except (TimeoutError, web.RequestPayloadError) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body did not come whole") from error
    if len(body) > LARGEST:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {LARGEST} bytes")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error, "body") from error

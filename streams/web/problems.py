"""What the HTTP API says when it does not do what it was asked: problem details (RFC 9457), the same way everywhere.

No problem repeats what was asked: an address may be in it, and problems are what people paste into tickets. A fault of
ours is logged by its class and where it happened, never by its words.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, ValidationError

from streams.errors import SesStreamsError

AGAIN_S = 2
"""Seconds after which to ask again, where nobody can know: a rebalance takes about as long."""
CONTENT_TYPE = "application/problem+json"
_OURS = ("/api/", "/openapi.json")


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether an error is a fault of ours: of what is no HTTP the parser's words quote the request."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


log = logging.getLogger(__name__)
http_log = logging.getLogger(f"{__name__}.http")
http_log.addFilter(_is_ours)


class Wrong(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    where: str
    """The field or parameter."""
    what: str
    """What is wrong with it."""


class Problem(BaseModel):
    """Why it was not done (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    title: str
    """The status in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What is the matter, and what to do about it."""
    errors: list[Wrong] | None = None
    """What is wrong with the request, field by field."""


class Refused(SesStreamsError):
    """A request that is not answered as it wishes; whoever raises it says why, and never what was asked."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what to say."""
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors
        self.headers = dict(headers) if headers else {}

    def response(self) -> web.Response:
        """Return it as HTTP says it."""
        errors = list(self.errors) if self.errors else None
        said = Problem(title=self.status.phrase, status=self.status, detail=self.detail, errors=errors)
        return web.Response(
            status=self.status,
            body=said.model_dump_json(exclude_none=True).encode(),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def later(detail: str, seconds: float = AGAIN_S) -> Refused:
    """Return what asks for patience."""
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(max(round(seconds), 1))})


def invalid(error: ValidationError, where: str) -> Refused:
    """Return what a model did not like, without what it was given; *where* names the whole."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [
        Wrong(where=".".join(map(str, fault["loc"])) or where, what=fault["msg"].removeprefix("Value error, "))
        for fault in faults
        if fault["type"] != "extra_forbidden"
    ]
    if len(errors) < len(faults):  # the name of an unknown field is the asker's own text
        errors.append(Wrong(where=where, what="there are fields that nobody knows"))
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"the {where} is not as it should be", errors=errors)


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a problem."""
    try:
        return await handler(request)
    except Refused as refused:
        return _instead(request, refused)
    except web.HTTPException as error:
        if not request.path.startswith(_OURS):
            raise
        return _instead(request, _plain(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not be told in its own words
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("a request failed with %s\n%s", type(error).__name__, where)  # noqa: TRY400 - words can hold anything
        return _instead(request, Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of ours; the log says where"))


def _instead(request: web.Request, refused: Refused) -> web.Response:
    """Answer with a problem; an answer that has begun can only be broken off."""
    if request.writer.output_size > 0:
        raise ConnectionError("an answer broke off") from None  # nothing of what went wrong may be logged with it
    return refused.response()


def _plain(error: web.HTTPException) -> Refused:
    """Return what aiohttp has to say as a problem of ours."""
    status = HTTPStatus(error.status)
    headers = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
    details = {
        HTTPStatus.NOT_FOUND: "there is nothing here; /openapi.json says what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: "this can be asked by other methods only",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is too large",
    }
    return Refused(status, details.get(status, status.description or status.phrase), headers=headers)

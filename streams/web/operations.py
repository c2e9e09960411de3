"""What can be asked over HTTP: a row each. Routes are made from it, and so is the OpenAPI document.

So a path cannot be served and not be described, or the other way round. What is done for each is in api.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from pydantic import BaseModel

from streams.answers.model import Trace, Why
from streams.web.asked import (
    ADDRESS,
    Instructed,
    Overlook,
    Release,
    ReleaseWhom,
    Suppress,
    SuppressWhom,
    Whom,
)
from streams.web.overview import Overview


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked.

    *answer* is the model of what comes back with *status*. *open* says that it needs no token; *writes* that it changes
    something; *finds* that there may be nothing to find.
    """

    id: str
    method: str
    path: str
    summary: str
    answer: type[BaseModel]
    status: HTTPStatus = HTTPStatus.OK
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    open: bool = False
    finds: bool = False


API = "/api/v1"
DOCUMENT = "/openapi.json"
RECIPIENT = f"{API}/recipients/{{address}}"

PATH_PARAMETERS: Mapping[str, dict[str, object]] = MappingProxyType(
    {
        "address": {
            "description": "The recipient, percent-encoded.",
            "schema": ADDRESS,
        },
        "id": {
            "description": "SES's message id, with or without its angle brackets and domain.",
            "schema": {"type": "string", "pattern": r"^[0-9A-Za-z][0-9A-Za-z_-]{0,100}$"},
        },
    }
)

OPERATIONS = (
    Operation(
        id="trace",
        method="GET",
        path=f"{API}/messages/{{id}}",
        summary="What became of one mail, from the request for it to the last event",
        answer=Trace,
        finds=True,
    ),
    Operation(
        id="why",
        method="GET",
        path=RECIPIENT,
        summary="Whether a recipient may be written to, and why not",
        answer=Why,
    ),
    Operation(
        id="why_by_body",
        method="POST",
        path=f"{API}/why",
        summary="The same, with the address in the body, which no proxy's log holds",
        answer=Why,
        body=Whom,
    ),
    Operation(
        id="suppress",
        method="PUT",
        path=RECIPIENT,
        summary="Let nobody write to a recipient any more",
        answer=Instructed,
        status=HTTPStatus.ACCEPTED,
        body=Suppress,
    ),
    Operation(
        id="suppress_by_body",
        method="POST",
        path=f"{API}/suppress",
        summary="The same, with the address in the body",
        answer=Instructed,
        status=HTTPStatus.ACCEPTED,
        body=SuppressWhom,
    ),
    Operation(
        id="release",
        method="DELETE",
        path=RECIPIENT,
        summary="Let us write to a recipient again",
        answer=Instructed,
        status=HTTPStatus.ACCEPTED,
        query=Release,
    ),
    Operation(
        id="release_by_body",
        method="POST",
        path=f"{API}/release",
        summary="The same, with the address in the body",
        answer=Instructed,
        status=HTTPStatus.ACCEPTED,
        body=ReleaseWhom,
    ),
    Operation(
        id="overview",
        method="GET",
        path=f"{API}/overview",
        summary="How it goes: of this worker, or of all; no addresses",
        answer=Overview,
        query=Overlook,
        open=True,
    ),
)

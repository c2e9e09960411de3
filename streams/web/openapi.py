"""The description of the HTTP API (OpenAPI 3.1), made from the operations and the models that the code itself uses.

There is no copy to keep: a field that a model gains is in the next worker's `/openapi.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from streams import __version__
from streams.web.operations import OPERATIONS, PATH_PARAMETERS, Operation
from streams.web.problems import CONTENT_TYPE, Problem
from streams.web.tokens import SCHEME

VALIDATION: JsonSchemaMode = "validation"
SERIALIZATION: JsonSchemaMode = "serialization"
Refs = Mapping[Any, dict[str, Any]]
"""A model and how it is used (read or written) to what stands for it."""

_REF = "#/components/schemas/{model}"
_ABOUT = (
    "What became of every mail handed to Amazon SES, and whether to write to somebody. Any worker answers for any key. "
    "Errors are problem details (RFC 9457) and never repeat an address."
)
_EVERY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_OF_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}}}


def document(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Any]:
    """Return the description, as JSON's types."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, SERIALIZATION)]
    models += [(one.answer, SERIALIZATION) for one in operations]
    models += [(one.body, VALIDATION) for one in operations if one.body is not None]
    refs, schemas = models_json_schema(models, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ses-streams", "version": __version__, "summary": "Answers over HTTP", "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": SCHEME.lower(), "description": "web.token"}},
        },
    }


def _described(operation: Operation, refs: Refs) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "security": [{"token": []}, {}] if operation.open else [{"token": []}],
        "parameters": [*_in_path(operation.path), *_in_query(operation.query)],
        "responses": _responses(operation, refs),
    }
    if operation.body is not None:
        said["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[operation.body, VALIDATION]}},
        }
    return said


def _responses(operation: Operation, refs: Refs) -> dict[str, Any]:
    problems = [*_EVERY]
    problems += [] if operation.open else _CLOSED
    problems += [] if operation.body is None else _OF_BODY
    problems += [HTTPStatus.NOT_FOUND] if operation.finds else []
    schema = refs[operation.answer, SERIALIZATION]
    good = {"description": operation.status.phrase, "content": {"application/json": {"schema": schema}}}
    bad = refs[Problem, SERIALIZATION]
    return {str(int(operation.status)): good} | {str(int(one)): _problem(one, bad) for one in sorted(problems)}


def _problem(status: HTTPStatus, schema: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": status.phrase, "content": {CONTENT_TYPE: {"schema": schema}}}
    return said | ({"headers": _RETRY_AFTER} if status in _AGAIN else {})


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **described}
        for name, described in PATH_PARAMETERS.items()
        if f"{{{name}}}" in path
    ]


def _in_query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    """Return a parameter for each field of a flat model."""
    if model is None:
        return []
    schema = model.model_json_schema()
    needed, kinds = schema.get("required", ()), schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "description": field.get("description", ""),
            "schema": _inlined(field, kinds),
        }
        for name, field in schema["properties"].items()
    ]


def _inlined(field: dict[str, Any], kinds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a field with what it refers to in its place."""
    kept = {name: value for name, value in field.items() if name not in {"title", "description", "$ref"}}
    return kept | kinds.get(field.get("$ref", "").rpartition("/")[2], {})

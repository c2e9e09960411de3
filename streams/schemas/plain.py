"""Records as JSON for people, and back: enums as symbols, times as ISO 8601 with milliseconds and Z, bytes as base64.

A record of a union (the content of a SendRequest) is `{"Simple": {...}}` in JSON and `("mail.Simple", {...})` in a
record. Times that no calendar can hold stay numbers, and numbers are taken as milliseconds on the way back, so that
what was stored always comes out and goes in again. No file and no wire format here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from streams.schemas.avsc import Schema, load_head
from streams.schemas.shape import Check, Misfit, Shapes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LONG = 1 << 63


def to_plain(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of schema *name* (full name) as JSON values; defaults filled in; Unusable where it is none."""
    return _today(name).show(record)


def from_plain(name: str, obj: Any) -> dict[str, Any]:
    """Return the record that *obj*, from JSON, says; unknown fields are ignored, defaults filled in.

    Raises Unusable (WRONG_TYPE) with the path to what does not fit, and never with the value.
    """
    return _today(name).take(obj)


class Form:
    """The record form and the JSON form of one schema."""

    def __init__(self, name: str, schema: Schema) -> None:
        """Prepare the ways between the forms; *schema* is self-contained, *name* is for the words of errors."""
        self._name = name
        self._record = Shapes({}).of(schema)
        self._json = Shapes({"bytes": _base64, "timestamp-millis": parse_time}).of(schema)
        self._show = _shower(schema)

    def complete(self, record: Any) -> dict[str, Any]:
        """Return *record* with defaults filled in and every type made sure of; Unusable (WRONG_TYPE) otherwise."""
        return self._checked(self._record, record)

    def take(self, obj: Any) -> dict[str, Any]:
        """Return the record that a JSON value says; Unusable (WRONG_TYPE) where it says none."""
        return self._checked(self._json, obj)

    def show(self, record: Any) -> dict[str, Any]:
        """Return a record as a JSON value."""
        plain: dict[str, Any] = self._show(self.complete(record))
        return plain

    def _checked(self, check: Check, value: Any) -> dict[str, Any]:
        try:
            record: dict[str, Any] = check(value)
        except Misfit as misfit:
            raise misfit.unusable(self._name) from None
        return record


def iso_time(ms: int) -> str | int:
    """Return ms since the epoch as `2026-01-02T03:04:05.678Z`; the number itself beyond the years 1 to 9999."""
    try:
        return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return ms


def parse_time(written: Any) -> int:
    """Return ms since the epoch of an ISO 8601 text (UTC where it has no offset) or of a number of ms."""
    if isinstance(written, str):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            raise Misfit("a time in ISO 8601") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MILLISECOND
    if isinstance(written, int) and not isinstance(written, bool) and -_LONG <= written < _LONG:
        return written
    raise Misfit("a time in ISO 8601, or milliseconds since the epoch")


@cache
def _today(name: str) -> Form:
    return Form(name, _heads()[name])


@cache
def _heads() -> dict[str, Schema]:
    return load_head()


def _base64(value: Any) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise Misfit("base64") from None


def _shower(schema: Schema) -> Callable[[Any], Any]:
    """Return the function that makes JSON values of complete records of *schema*."""
    if isinstance(schema, list):
        return _union_shower(schema)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "record":
        fields = [(field["name"], _shower(field["type"])) for field in schema["fields"]]
        return lambda record: {name: show(record[name]) for name, show in fields}
    if kind == "array":
        item = _shower(schema["items"])
        return lambda values: [item(value) for value in values]
    if kind == "map":
        value_of = _shower(schema["values"])
        return lambda values: {key: value_of(value) for key, value in values.items()}
    if kind == "bytes":
        return lambda value: b64encode(value).decode("ascii")
    return iso_time if isinstance(schema, dict) and schema.get("logicalType") else _as_it_is


def _union_shower(branches: list[Schema]) -> Callable[[Any], Any]:
    others = [branch for branch in branches if branch != "null"]
    if len(others) == 1:
        show = _shower(others[0])
        return lambda value: None if value is None else show(value)
    shows = {branch["name"]: _shower(branch) for branch in others}

    def shown(value: tuple[str, Any]) -> dict[str, Any]:
        branch = value[0].rpartition(".")[2]
        return {branch: shows[branch](value[1])}

    return shown


def _as_it_is(value: Any) -> Any:
    return value

"""JSON text to values, for text that other people's programs wrote.

Fast by orjson; what orjson refuses and the standard library takes (half an emoji in a subject cut off by SES, NaN) is
taken too, with U+FFFD for the half that is missing, since Avro's strings are UTF-8. Says why text is no JSON, and
never quotes it: it may hold addresses.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from streams.errors import Unusable
from streams.mail.deadletter import DeadReason


def parse(data: bytes | str) -> Any:
    """Return the value that *data* holds.

    Raises:
        Unusable: NOT_JSON: not UTF-8, not JSON, or nested too deeply.

    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_leniently(data)


def dump(value: object) -> str:
    """Return a value as compact JSON text.

    Raises:
        Unusable: NOT_JSON: it is nested too deeply to be written.

    """
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # beyond 254 levels, or a number beyond 64 bits
        return _dump_leniently(value)


def whole(value: Any) -> Any:
    """Return *value* with every lone surrogate in it replaced; RecursionError where it is nested too deeply."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [whole(v) for v in value]
    if isinstance(value, dict):
        return {whole_text(k): whole(v) for k, v in value.items()}
    return value


def whole_text(written: str) -> str:
    """Return text that can be encoded as UTF-8."""
    try:
        written.encode()
    except UnicodeEncodeError:
        return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return written


def _dump_leniently(value: object) -> str:
    """Write by the standard library what orjson refuses."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise Unusable(DeadReason.NOT_JSON, "nested too deeply") from None


def _parse_leniently(data: bytes | str) -> Any:
    """Parse by the standard library, and mend what it lets through."""
    try:
        return whole(json.loads(data.decode() if isinstance(data, bytes) else data))
    except UnicodeDecodeError as error:
        raise Unusable(DeadReason.NOT_JSON, f"byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unusable(DeadReason.NOT_JSON, f"line {error.lineno} column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise Unusable(DeadReason.NOT_JSON, "a number or a nesting beyond all measure") from None

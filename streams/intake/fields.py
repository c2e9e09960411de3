"""Reading JSON of which nothing may be demanded: each reader gives the value in the type asked for, or nothing.

SES may leave out, empty or re-type any field (notes of AWS: "may add fields at any time"); a reader that raised would
lose the event for a field that nobody needs. No knowledge of SES's names here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MTA_TYPE = re.compile(r"[A-Za-z0-9-]+\s*;\s*")
_LONG = 2**63


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return a JSON array; a lone object or text counts as an array of one, anything else as an empty one."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict | str) else []


def text(value: object) -> str | None:
    """Return text as it was written; blank text counts as missing."""
    return value if isinstance(value, str) and value and not value.isspace() else None


def word(value: object) -> str | None:
    """Return text without the spaces around it; blank text counts as missing."""
    return value.strip() or None if isinstance(value, str) else None


def whole_number(value: object) -> int | None:
    """Return a whole number that fits 64 bits; True is no number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and -_LONG <= value < _LONG else None


def mta_name(value: object) -> str | None:
    """Return an MTA's name without its type: `dns; mta.example.com` and `dsn; ...` occur (RFC 3464, 2.2.2)."""
    written = word(value)
    return None if written is None else word(_MTA_TYPE.sub("", written, count=1))


def lists_of_text(value: object) -> dict[str, list[str]]:
    """Return name to texts; a lone text counts as a list of one, names without any text are left out."""
    found = {name: [v for v in items(values) if isinstance(v, str)] for name, values in mapping(value).items()}
    return {name: values for name, values in found.items() if values}


def headers(value: object) -> dict[str, list[str]]:
    """Return lower-case header name to values in order, from `[{name, value}]` or from a plain object."""
    found: dict[str, list[str]] = {}
    for name, written in _header_pairs(value):
        if isinstance(name, str) and isinstance(written, str):
            found.setdefault(name.lower(), []).append(written)
    return found


def _header_pairs(value: object) -> Iterator[tuple[object, object]]:
    """Yield each header as a pair."""
    if isinstance(value, list):
        for header in value:
            if isinstance(header, dict):
                yield header.get("name"), header.get("value")
        return
    for name, values in lists_of_text(value).items():
        for written in values:
            yield name, written

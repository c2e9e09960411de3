"""Templates of an account, and how one is filled in: `{{name}}` by the value of that name, `{{a.b}}` within a value.

A name without a value is what SES calls a rendering failure: the mail is accepted, never sent, and an event says so
(SES developer guide, "Using templates to send personalised email"). Handlebars' blocks and helpers are left as they
stand: they are not read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from json import dumps
from typing import Any, NamedTuple

from streams.errors import SesStreamsError

_NAME = re.compile(r"\{\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}\}|\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")


class Template(NamedTuple):
    """What a template holds; any part may be empty."""

    subject: str
    text: str
    html: str


class Missing(SesStreamsError):
    """The data has no value for a name."""


Templates = dict[str, Template]
"""Templates by their names."""


def render(template: Template, data: Mapping[str, Any]) -> Template:
    """Return *template* filled in.

    Raises:
        Missing: for a name without a value; its words are SES's.

    """
    return Template(
        _filled(template.subject, data, html=False),
        _filled(template.text, data, html=False),
        _filled(template.html, data, html=True),
    )


def _filled(text: str, data: Mapping[str, Any], *, html: bool) -> str:
    def value(found: re.Match[str]) -> str:
        written = _value(found[1] or found[2], data)
        return escape(written) if html and found[2] else written

    return _NAME.sub(value, text)


def _value(name: str, data: Mapping[str, Any]) -> str:
    found: Any = data
    for step in name.split("."):
        if not isinstance(found, Mapping) or step not in found:
            raise Missing(f"Attribute '{name}' is not present in the rendering data.")
        found = found[step]
    return found if isinstance(found, str) else "" if found is None else dumps(found, ensure_ascii=False)

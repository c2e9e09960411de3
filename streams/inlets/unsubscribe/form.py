"""Whether what is posted asks to leave: `List-Unsubscribe=One-Click`, as a form of either kind (RFC 8058, 3.2).

Total over all bytes: strangers write them. How many bytes there may be is the business of whoever reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from streams.mail.unsubscribe import ONE_CLICK_BODY

_MOST_FIELDS = 32
_MULTIPART = "multipart/form-data"


def is_one_click(content_type: str, body: bytes) -> bool:
    """Tell whether a form says that its sender leaves; the kind that `content_type` names is believed."""
    fields = _parts(content_type, body) if content_type.lower().startswith(_MULTIPART) else _pairs(body)
    return any(f"{name.strip()}={value.strip()}".lower() == ONE_CLICK_BODY.lower() for name, value in fields)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form in one line."""
    try:
        return parse_qsl(body.decode("ascii", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:  # more fields than anybody has for one click
        return []


def _parts(content_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the fields of a form that is written like a mail with parts (RFC 7578)."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii", "replace")
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in whole.iter_parts() if whole.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            yield name, value.decode("ascii", "replace")

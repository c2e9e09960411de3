"""Letters to try the roads with."""

from __future__ import annotations

from typing import Any

from streams.mail.letter import Letter, Raw, Simple, Template

NOW = 1_800_000_000_000


def clock() -> int:
    """Say the time of every answer in these tests."""
    return NOW


SIMPLE = Simple("Your receipt", "Thank you.\n", "<p>Thank you.</p>\n")
TEMPLATE = Template("welcome", '{"name": "Ada"}')
RAW = Raw(b"From: shop@example.com\r\nTo: ada@example.org\r\nSubject: Raw\r\n\r\nAs it is.\r\n")


def letter(**said: Any) -> Letter:
    """Return a letter; whatever is not said is ordinary."""
    ordinary: dict[str, Any] = {
        "request_id": "order-7",
        "attempt": 1,
        "stream": "receipts",
        "from_address": "shop@example.com",
        "to": ("ada@example.org",),
        "content": SIMPLE,
    }
    return Letter(**ordinary | said)

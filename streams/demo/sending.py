"""The upstream service's side of a mail: the id that SES answers with, and the Send that is published under it."""

from __future__ import annotations

from random import Random
from typing import Any

from streams.demo.ses_json import Posted


def ses_id(prefix: str, at: int, chance: Random) -> str:
    """Return an id as SES makes them: its time in hex, then a random part."""
    mark = f"{chance.getrandbits(128):032x}"
    return f"{prefix}{at:012x}-{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}-000000"


def send_record(post: Posted, chance: Random) -> dict[str, Any]:
    """Return the mail.Send that upstream publishes."""
    return {
        "sent_at": post.sent_at,
        "message_id": post.message_id,
        "stream": post.stream,
        "attempt": 1,
        "request_id": f"{post.stream}-{chance.getrandbits(64):016x}",
        "recipients": [r.lower() for r in post.recipients],
        "from_address": post.sender,
        "configuration_set": post.stream,
        "in_reply_to": None,
        "via": "UPSTREAM",
        "tags": {"stream": post.stream, "template": f"{post.stream}-v{chance.randint(1, 4)}"},
    }

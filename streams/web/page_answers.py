"""What is asked on the page: a message id or an address, told apart by its shape; and the page that answers it.

The answers themselves are made elsewhere. A question is never quoted in an error, a log or a URL.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from streams.answers.model import Trace, Why
from streams.mail.address import normal_address, normal_message_id
from streams.mail.outcome import OutcomeKind
from streams.web.headline import Level
from streams.web.problems import Refused

_MESSAGE_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6}")
"""How SES names a mail."""


GOOD = frozenset({OutcomeKind.DELIVERED, OutcomeKind.OPENED, OutcomeKind.CLICKED})
BAD = frozenset(
    {
        OutcomeKind.HARD_BOUNCED,
        OutcomeKind.SOFT_BOUNCED,
        OutcomeKind.COMPLAINED,
        OutcomeKind.REJECTED,
        OutcomeKind.RENDERING_FAILED,
        OutcomeKind.FAILED,
    }
)


class Answers(Protocol):
    """Whoever can say what became of a mail, and why somebody gets none, whichever worker knows it."""

    async def why(self, address: str) -> Why:
        """Return why *address* is, or is not, written to; raises Refused where it cannot be told now."""

    async def trace(self, message_id: str) -> Trace:
        """Return the life of a mail; raises Refused where it cannot be told now."""


class Found(NamedTuple):
    """Which template answers, and what it is told."""

    template: str
    status: int
    said: dict[str, Any]


def is_address(asked: str) -> bool:
    """Tell whether an address is meant; SES writes message ids with an @ of its own, too."""
    return "@" in asked and not _MESSAGE_ID.fullmatch(normal_message_id(asked))


def look_of(trace: Trace) -> Level:
    """Return how the answer looks: as the worst of what became of the mail."""
    ends = {one.kind for one in trace.furthest}
    if ends & BAD:
        return Level.BAD
    return Level.GOOD if ends and ends <= GOOD else Level.QUIET


async def answered(answers: Answers, asked: str) -> Found:
    """Return the answer to a question."""
    try:
        if is_address(asked):
            return Found("why.html", HTTPStatus.OK, {"why": await answers.why(normal_address(asked))})
        named = normal_message_id(asked)
        trace = await answers.trace(named)
        odd = not trace.known and not _MESSAGE_ID.fullmatch(named)
        return Found("trace.html", HTTPStatus.OK, {"trace": trace, "look": look_of(trace), "odd": odd})
    except Refused as refused:
        return Found("unanswered.html", refused.status, {"error": refused.detail})

"""Answers from the state of this worker alone: what is stored is read, and streams.answers says what it means."""

from __future__ import annotations

from collections.abc import Callable

from streams.answers.model import Trace, Why
from streams.answers.why import why
from streams.mail.policy import Policy
from streams.web.overview import Overview
from streams.web.problems import later
from streams.web.survey import Survey


class OwnState:
    """One worker's own word."""

    def __init__(self, survey: Survey, policy: Policy, now: Callable[[], int]) -> None:
        """Take whom to ask how it goes, the numbers of the rules, and a clock in ms since the epoch."""
        self._survey, self._policy, self._now = survey, policy, now

    def why(self, address: str, stored: bytes | None) -> Why:
        """Return whether we may write to *address*, of whom *stored* is what table "standings" has."""
        return why(address, stored, self._policy, self._now())

    async def trace(self, message_id: str, stored: bytes | None) -> Trace:  # noqa: ARG002 - of Here
        """Return what became of a mail, of which *stored* is what table "lives" has."""
        raise later("this worker cannot answer questions yet")

    def overview(self, *, named: bool) -> Overview:
        """Return how it goes; with addresses only where *named*."""
        return self._survey.take(self._now(), named=named)

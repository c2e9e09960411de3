"""Answers from the state of this worker alone: what is stored is read, and streams.answers says what it means."""

from __future__ import annotations

from collections.abc import Callable

from streams.answers.model import Trace, Why
from streams.answers.why import why
from streams.errors import WorldFailed
from streams.mail.policy import Policy
from streams.web.overview import Overview
from streams.web.problems import later
from streams.web.survey import Survey
from streams.web.tracing import Tracing


class OwnState:
    """One worker's own word."""

    def __init__(self, survey: Survey, tracing: Tracing, policy: Policy, now: Callable[[], int]) -> None:
        """Take whom to ask how it goes, who traces mails, the numbers of the rules, a clock in ms since the epoch."""
        self._survey, self._tracing, self._policy, self._now = survey, tracing, policy, now

    def why(self, address: str, stored: bytes | None) -> Why:
        """Return whether we may write to *address*, of whom *stored* is what table "standings" has."""
        return why(address, stored, self._policy, self._now())

    async def trace(self, message_id: str, stored: bytes | None) -> Trace:
        """Return what became of a mail, of which *stored* is what table "lives" has."""
        try:
            return await self._tracing.trace(message_id, stored)
        except WorldFailed as error:
            raise later(str(error)) from error

    def overview(self, *, named: bool) -> Overview:
        """Return how it goes; with addresses only where *named*."""
        return self._survey.take(self._now(), named=named)

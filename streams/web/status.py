"""Puts a worker's status page together: who looks, who may see addresses, who answers, and what the clock is.

The front door hands in what it has; this keeps the wiring of the page out of it.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.settings import Web
from streams.web.limits import Limits
from streams.web.overview import Overview
from streams.web.page import Page
from streams.web.page_answers import Answers
from streams.web.page_door import Door
from streams.web.survey import Sources, Survey


def status_page(
    settings: Web, url: Callable[[], str], sources: Sources, answers: Answers, now: Callable[[], int]
) -> Page:
    """Return the page of one worker; *url* is where others reach it, *now* is ms since the epoch."""
    survey = Survey(url, sources, now())

    async def look(named: bool) -> Overview:  # noqa: FBT001 - there is no other question
        return survey.take(now(), named=named)

    door, limits = Door(settings.token, now), Limits(settings.rate)
    return Page(look, answers, door, limits, lambda: sources.history.take(now()))

"""Puts a worker's status page together: who may see addresses, who answers, and what the clock is.

The front door hands in what it has; this keeps the wiring of the page out of it.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.observe.history import History
from streams.settings import Web
from streams.web.answering import Answering
from streams.web.overview import Overview
from streams.web.page import Page
from streams.web.page_door import Door


def status_page(settings: Web, answering: Answering, history: History, now: Callable[[], int]) -> Page:
    """Return the page of one worker, which shows all of them; *now* is ms since the epoch."""

    async def look(named: bool) -> Overview:  # noqa: FBT001 - there is no other question
        return await answering.anywhere.overview(group=True, named=named)

    door = Door(settings.token, now)
    return Page(look, answering.anywhere, door, answering.limits, lambda: history.take(now()))

"""SES's own suppression list of the account: read, added to and taken from, at the speed that SES allows.

SES holds mails to whoever stands on it, whatever we think; so `ses-streams suppressions sync-ses` brings both lists
together. SES wants an address exactly as it once wrote it, so case is kept here. What should stand on the list is
decided elsewhere, and no address is ever part of an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

from streams.dispatch.client import ses_client
from streams.dispatch.trouble import TROUBLES, name_of
from streams.errors import WorldFailed
from streams.settings.dispatch import Dispatch

_PACE_S = 1.0  # all actions but sending: one request a second (SES developer guide, service quotas)
_PAGE = 1000
_TRIES = 5  # all of these may be done twice, so botocore may try again by itself


class ListReason(StrEnum):
    """Why an address is on SES's list (SESv2 API reference, SuppressionListReason)."""

    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"


class Listed(NamedTuple):
    """One entry: the address as SES wrote it, why, and since when (ms since the epoch)."""

    address: str
    reason: ListReason
    at: int


class SuppressionList:
    """The list, as an asynchronous context: `async with SuppressionList(settings.dispatch) as ses:`."""

    def __init__(self, settings: Dispatch, pace_s: float = _PACE_S) -> None:
        """Keep *settings*; *pace_s* is how many seconds lie between two requests at least."""
        self._settings = settings
        self._pace = pace_s
        self._next = 0.0
        self._client: Any = None
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open a client; raises BadSettings where none can be made."""
        self._client = await self._opened.enter_async_context(ses_client(self._settings, connections=1, tries=_TRIES))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self._opened.aclose()

    async def list(self) -> AsyncIterator[Listed]:
        """Yield every entry, page by page; raises WorldFailed."""
        more: dict[str, str] = {}
        while True:
            said = await self._ask("list_suppressed_destinations", PageSize=_PAGE, **more)
            for entry in said.get("SuppressedDestinationSummaries", ()):
                yield _listed(entry)
            if not said.get("NextToken"):
                return
            more = {"NextToken": said["NextToken"]}

    async def put(self, address: str, reason: ListReason) -> None:
        """Put *address* on the list, or change why it is there; raises WorldFailed."""
        await self._ask("put_suppressed_destination", EmailAddress=address, Reason=reason.value)

    async def delete(self, address: str) -> bool:
        """Take *address*, in SES's exact case, off the list; tell whether it was on it. Raises WorldFailed."""
        return await self._ask("delete_suppressed_destination", EmailAddress=address) is not None

    async def _ask(self, call: str, **arguments: Any) -> Any:
        """Make one request when its time has come; None where SES knows no such entry."""
        loop = asyncio.get_running_loop()
        begin = max(self._next, loop.time())
        self._next = begin + self._pace
        await asyncio.sleep(begin - loop.time())
        try:
            return await getattr(self._client, call)(**arguments)
        except TROUBLES as error:
            code = name_of(error)
            if code == "NotFoundException" and call.startswith("delete"):
                return None
            raise WorldFailed(f"SES's suppression list: {call} failed with {code}") from None


def _listed(entry: dict[str, Any]) -> Listed:
    """Return one entry of SES's answer."""
    at: datetime = entry["LastUpdateTime"]
    return Listed(entry["EmailAddress"], ListReason(entry["Reason"]), round(at.timestamp() * 1000))

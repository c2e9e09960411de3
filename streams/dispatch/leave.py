"""Says in a mail how its recipient leaves the stream: URLs with a token, which headers.py writes as List-Unsubscribe.

A token is about one person, so a mail to several says nothing: whoever got a copy could stop the others' mail. What is
taken by these URLs, and what follows, is the intake's affair (streams/inlets/unsubscribe.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from streams.dispatch.road import Road
from streams.mail.letter import Answer, Letter, Quota
from streams.mail.unsubscribe import Key, Leave, make_token
from streams.settings.unsubscribe import Unsubscribe, keys_of

log = logging.getLogger(__name__)

LONGEST = 870
"""Characters of List-Unsubscribe: what SESv2's MessageHeader has been said to take; today it is 995."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How people leave: *streams* whose mails say so, the *key* of tokens, *url* and *address* to come by."""

    key: Key
    streams: frozenset[str]
    url: str | None
    address: str | None

    def out_of(self, letter: Letter) -> tuple[str, ...]:
        """Return the URLs by which the one recipient of *letter* leaves its stream; none for several."""
        if letter.stream not in self.streams or len(letter.recipients) != 1:
            return ()
        whole = (ways for ways in self._ways(letter) if sum(len(url) + len("<>, ") for url in ways) <= LONGEST)
        return next(whole, ())

    def _ways(self, letter: Letter) -> Iterator[tuple[str, ...]]:
        """Yield ways from the fullest to the barest: a long address has no room for all of it."""
        for request_id in (letter.request_id, None):
            token = make_token(Leave(letter.recipients[0], letter.stream, request_id), self.key)
            if token is None:
                return
            web = () if self.url is None else (f"{self.url.rstrip('/')}/{token}",)
            mail = () if self.address is None else (f"mailto:{self.address}?subject={token}",)
            yield (*web, *mail)
            if web and request_id is None:
                yield web


class LeavingRoad:
    """A `streams.dispatch.road.Road` whose mails say how to leave."""

    def __init__(self, road: Road, ways: Ways) -> None:
        """Carry by *road*."""
        self.via = road.via
        self._road = road
        self._ways = ways
        self._told: set[str] = set()

    async def open(self) -> None:
        """Make ready, and say by which key: the intake says the same one, or nobody can leave."""
        await self._road.open()
        log.info(
            "mails of %s say how to leave, by key %s", ", ".join(sorted(self._ways.streams)), self._ways.key.id.hex()
        )

    async def close(self) -> None:
        """Let go."""
        await self._road.close()

    async def carry(self, letter: Letter) -> Answer:
        """Hand *letter* to SES once, with how to leave."""
        leave = self._ways.out_of(letter)
        if not leave and letter.stream in self._ways.streams:
            self._tell(letter)
        return await self._road.carry(replace(letter, leave=leave) if leave else letter)

    async def quota(self) -> Quota | None:
        """Return what SES allows now."""
        return await self._road.quota()

    def _tell(self, letter: Letter) -> None:
        """Say once a stream that its mails do not say how to leave."""
        if letter.stream not in self._told:
            self._told.add(letter.stream)
            why = "their address is none, or too long" if len(letter.recipients) == 1 else "they go to several people"
            log.warning("mails of stream %s do not say how to leave it: %s", letter.stream, why)


def ways_of(settings: Unsubscribe) -> Ways | None:
    """Return how people leave, as *settings* say; None where no stream's mails say so."""
    keys = keys_of(settings)
    if not keys or not settings.streams:
        return None
    return Ways(key=keys[0], streams=frozenset(settings.streams), url=settings.url, address=settings.address)

"""The road by SNS: a post is judged, what it becomes lands in Kafka, and only then is it answered with 200.

SNS tries again what was not answered so, under the same id, for up to an hour (SNS developer guide, "Message delivery
retries"); so whatever may be better later is 503, and whatever never will be is 4xx. An answer says why in one line,
and never what was in the post.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from aiohttp import web

from streams.emit.landing import Full, NotLanded, Record
from streams.inlets.listener import Late, TooLarge, body_of
from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.confirm import Confirmations, Taken
from streams.inlets.sns.fetch import Fetcher
from streams.inlets.sns.message import Kind
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.replays import Replays
from streams.inlets.sns.verify import Genuine, Verifier
from streams.inlets.sorting import NOTHING, Sorted, Sorter, Unsorted
from streams.inlets.sqs.pause import Seldom
from streams.inlets.tally import Road, Tally
from streams.settings.intake import Sns

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
"""Within which a post must have come whole: SNS sends it in one go."""
_MOST_READ = 512
"""Posts that are read at a time: strangers can send slowly, and each may hold a whole body of ours meanwhile."""
_AGAIN = {"Retry-After": "20"}  # SNS's own pause between tries
_MINUTE_MS = 60_000


class Lands(Protocol):
    """Where records go."""

    async def land(self, records: Sequence[Record]) -> None:
        """Return when all are acknowledged; raises Full or NotLanded."""


class SnsRoad:
    """Takes SNS's posts."""

    def __init__(  # noqa: PLR0913 - each is another part of the intake, and has a name
        self, settings: Sns, sorter: Sorter, landing: Lands, tally: Tally, *, clock: Callable[[], int], fetch: Fetcher
    ) -> None:
        """Take posts of the settings' topics.

        Args:
            settings: which topics, and how.
            sorter: says what a message becomes.
            landing: where that goes.
            tally: counts.
            clock: ms since the epoch.
            fetch: gets certificates, and the pages that confirm.

        """
        self._path, self._most = settings.path, settings.max_body_kib * 1024
        self._sorter, self._landing, self._tally = sorter, landing, tally
        self._certificates = Certificates(fetch, clock)
        max_age_ms = round(settings.max_age_minutes * _MINUTE_MS)
        self._verifier = Verifier(
            settings.topics,
            self._certificates,
            clock,
            versions=settings.signature_versions,
            max_age_ms=max_age_ms,
            max_body=self._most,
        )
        self.confirmations = Confirmations(fetch, clock, confirm=settings.confirm)
        self._replays = Replays(clock, remember_ms=max_age_ms)
        self._seldom = Seldom()
        self.reading = 0
        """How many posts have not come whole yet."""

    @property
    def troubles(self) -> Iterator[str]:
        """Yield nothing: that the brokers are silent is said by whoever watches them."""
        yield from ()

    def routes(self) -> list[web.RouteDef]:
        """Return where SNS posts."""
        return [web.post(self._path, self.take)]

    async def start(self) -> None:
        """Begin; posts come by a listener, once that runs."""

    async def stop(self) -> None:
        """End fetches that are under way: nobody waits for them any more."""
        await self._certificates.stop()

    async def take(self, request: web.Request) -> web.Response:
        """Answer one post."""
        body = await self._read(request)
        if isinstance(body, Refusal):
            return self._refuse(body)
        found = await self._verifier.check(body, request.headers)
        if isinstance(found, Refusal):
            return self._refuse(found)
        if found.kind is Kind.NOTIFICATION:
            return await self._land(found, body)
        return await self._confirm(found)

    async def _read(self, request: web.Request) -> bytes | Refusal:
        """Return the body of a post, or why it is not read whole."""
        if self.reading >= _MOST_READ:
            return Refusal.BUSY
        self.reading += 1
        try:
            return await body_of(request, self._most, _PATIENCE_S)
        except TooLarge:
            return Refusal.TOO_LARGE
        except Late:
            return Refusal.INCOMPLETE
        finally:
            self.reading -= 1

    async def _land(self, genuine: Genuine, body: bytes) -> web.Response:
        """Answer a notification once all that it becomes is in Kafka; one that is there already at once."""
        found: list[Sorted] = []

        async def land() -> None:
            # Read from the fields that are signed; a dead letter keeps the post as it came.
            found.append(await self._sorter.read(body, f"sns:{genuine.topic_arn}", genuine.fields))
            await self._landing.land(found[-1].records)

        try:
            fresh = await self._replays.once(genuine.message_id, land)
        except (Full, NotLanded, Unsorted) as error:
            return self._fail(error)
        if not fresh:
            self._tally.repeated(Road.SNS)
            return web.Response(text=Refusal.REPLAYED.words)
        self._tally.landed(Road.SNS, found[-1])
        return web.Response()

    async def _confirm(self, genuine: Genuine) -> web.Response:
        taken = await self.confirmations.take(genuine)
        if isinstance(taken, Refusal):
            return self._refuse(taken)
        self._tally.landed(Road.SNS, NOTHING)
        if taken is Taken.CONFIRMED:
            log.info("subscription to %s confirmed", genuine.topic_arn)
        return web.Response()

    def _fail(self, error: Full | NotLanded | Unsorted) -> web.Response:
        """Ask SNS to come again."""
        self._tally.failed(Road.SNS)
        if times := self._seldom.due("not landed"):
            log.warning("%d posts of SNS were asked to come again: %s", times, error)
        return web.Response(status=503, headers=_AGAIN, text="it could not be taken in yet: come again")

    def _refuse(self, why: Refusal) -> web.Response:
        """Turn a post away, with its reason; the connection ends where its body was not read whole."""
        self._tally.refused(Road.SNS, why)
        if times := self._seldom.due(why):
            log.warning("%d posts turned away: %s", times, why.words)
        answer = web.Response(status=why.status, headers=_AGAIN if why.may_pass else None, text=why.words)
        if why in (Refusal.TOO_LARGE, Refusal.INCOMPLETE, Refusal.BUSY):
            answer.force_close()
        return answer

"""The front door of the intake: settings become a landing, roads and a web server, and one process runs them.

It holds no rule: it says what is connected to what. Unlike a worker it has no Faust, no table and no group: any number
of these may run, and one that dies loses nothing, since SNS and SQS bring again what was not answered or deleted.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Protocol

from aiohttp.web import Request, RouteDef

from streams.emit.codec import codec_of
from streams.emit.landing import Landing
from streams.emit.ready import check_topics
from streams.errors import WORLD_FAILED, BadSettings, SesStreamsError
from streams.inlets.listener import Listener
from streams.inlets.objects.fetching import Fetching
from streams.inlets.sns.fetch import Fetcher, HttpsFetcher, careful_session
from streams.inlets.sns.road import SnsRoad
from streams.inlets.sns.subscriptions import Subscriptions
from streams.inlets.sorting import Sorter
from streams.inlets.sqs.road import SqsRoad
from streams.inlets.tally import Tally
from streams.inlets.unsubscribe.oneclick import OneClick
from streams.inlets.wellness import Wellness
from streams.intake.unsubscribes import unsubscribes_of
from streams.observe.health import State
from streams.observe.metrics import Metrics
from streams.settings import Settings, Web
from streams.topics import topic_name
from streams.web.limits import Limits
from streams.web.server import WebServer
from streams.web.tokens import Tokens

log = logging.getLogger(__name__)

WRITES = ("feedback", "dead-letters")
"""The roles of the topics that an intake writes."""

_SILENT = 5.0
"""Seconds without an acknowledgement, while something waits, after which nobody should send us more."""
_COARSE = (50_000, 10, 100)
"""Thresholds of the garbage collector: Python's own (700) walks what a post leaves behind again and again."""


class Road(Protocol):
    """A way in: it takes items from `start` on, and after `stop` all that it took is answered for."""

    @property
    def troubles(self) -> Iterable[str]:
        """What keeps it from taking items now, in words that name no mail."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """Take no more, and finish what is under way."""


class Bridge:
    """One intake, from start to exit code."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Connect nothing yet; roads are added to `roads`."""
        self._settings = settings
        self._topics = {role: topic_name(settings.topic_prefix, role) for role in WRITES}
        self._stop = asyncio.Event()
        self._failure: SesStreamsError | None = None
        self.landing = Landing(
            settings.brokers,
            settings.security,
            self._topics,
            settings=settings.producer,
            patience_s=settings.intake.patience_seconds,
            most_bytes=settings.intake.max_in_flight_mib * 1024 * 1024,
            on_failure=self.fail,
        )
        self.tally = Tally(metrics, now)
        self.sorter = Sorter(codec_of(settings), now, unsubscribes_of(settings.unsubscribe))
        self.roads: list[Road] = []
        if settings.intake.objects.buckets:
            self.sorter.fetching = fetching = Fetching(self.sorter, settings.intake.objects, self.tally)
            self.roads.append(fetching)
        self.wellness = Wellness(self._troubles)
        metrics.look_up(lambda: {"ses_intake_waiting_bytes": {(): float(self.landing.bytes)}})
        metrics.look_up(lambda: {"ses_state": {(self.wellness.check().state,): 1.0}})

    def fail(self, failure: SesStreamsError) -> None:
        """End it all: the world has failed us."""
        self._failure = self._failure or failure
        self._stop.set()

    async def serve(self, web: WebServer) -> int:
        """Run until told to stop, or until the world fails; return the exit code."""
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self._stop.set)
        try:
            async with AsyncExitStack() as open_now:
                await self._begin(web, open_now)
                await self._stop.wait()
                self.wellness.state = State.STOPPING
        except SesStreamsError as failure:
            self.fail(failure)
        if self._failure is not None:
            log.error("%s", self._failure)
        return 0 if self._failure is None else WORLD_FAILED

    async def _begin(self, web: WebServer, open_now: AsyncExitStack) -> None:
        """Begin from the inside out, so that nothing is taken that could not land; the end is the other way round."""
        await web.start()
        open_now.push_async_callback(web.stop)
        await asyncio.to_thread(check_topics, self._settings, tuple(self._topics.values()))
        await self.landing.start()
        open_now.push_async_callback(self.landing.stop)
        for road in self.roads:
            open_now.push_async_callback(road.stop)
            await road.start()
            if isinstance(road, Listener):
                log.info("listening for posts on port %d", road.port)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COARSE)
        self.wellness.state = State.RUNNING
        log.info("taking in events; health and metrics on port %d", web.port)

    def _troubles(self) -> Iterator[str]:
        """Yield what is amiss."""
        since = self.landing.silent_since
        if since is not None and time.monotonic() - since > _SILENT:
            yield f"the brokers have not acknowledged anything for {time.monotonic() - since:.0f} s"
        for road in self.roads:
            yield from road.troubles


def run(settings: Settings, fetch: Fetcher | None = None) -> int:
    """Run one intake until it is told to stop; return its exit code.

    Args:
        settings: which roads there are, and how.
        fetch: gets SNS's certificates; by itself over HTTPS.

    Raises:
        BadSettings: no road is set.

    """
    if not (settings.intake.sns.topics or settings.intake.sqs.queues or settings.unsubscribe.url):
        names = ("INTAKE__SNS__TOPICS", "INTAKE__SQS__QUEUES", "UNSUBSCRIBE__URL")
        raise BadSettings(f"nothing to take in: set one of {', '.join(f'SES_STREAMS_{name}' for name in names)}")

    async def serve() -> int:
        async with careful_session(proxies=True) as session:
            metrics = Metrics(settings.metrics.streams, part="intake")
            bridge = Bridge(settings, metrics)
            seen = _open_roads(bridge, settings, metrics, fetch or HttpsFetcher(session))
            return await bridge.serve(WebServer(settings.web, metrics, bridge.wellness, seen))

    return asyncio.run(serve())


def _open_roads(bridge: Bridge, settings: Settings, metrics: Metrics, fetch: Fetcher) -> list[RouteDef]:
    """Add the roads that are set, and return what operators may ask of them; the listener goes last, and ends first."""
    intake, posted, seen = settings.intake, [], []
    if intake.sqs.queues:
        queues = SqsRoad(
            intake.sqs,
            bridge.sorter,
            bridge.landing,
            bridge.tally,
            clock=now,
            on_failure=bridge.fail,
            patience_s=intake.patience_seconds,
        )
        metrics.look_up(queues.figures)
        bridge.roads.append(queues)
    if intake.sns.topics:
        posts = SnsRoad(intake.sns, bridge.sorter, bridge.landing, bridge.tally, clock=now, fetch=fetch)
        subscriptions = Subscriptions(posts.confirmations, gate(settings.web))
        metrics.look_up(subscriptions.figures)
        bridge.roads.append(posts)
        posted, seen = posts.routes(), subscriptions.routes()
    people = OneClick(settings.unsubscribe, bridge.landing, bridge.sorter, bridge.tally, now)
    posted = [*posted, *people.routes()]
    if posted:
        bridge.roads.append(Listener(intake.sns.host, intake.sns.port, posted, patience_s=intake.patience_seconds))
    return seen


def gate(settings: Web) -> Callable[[Request], None]:
    """Return what lets those pass who have the token, and do not ask too often: they may be guessing."""
    limits, tokens = Limits(settings.rate), Tokens(settings.token)

    def admit(request: Request) -> None:
        limits.check(request)
        tokens.check(request)

    return admit


def now() -> int:
    """Return the time, ms since the epoch."""
    return time.time_ns() // 1_000_000

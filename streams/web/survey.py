"""Makes this worker's overview: asks metrics, history, health and the engine, and decides nothing.

It is asked often, so it reads what is there and computes little. Whoever asks says whether people may be named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from streams import __version__
from streams.observe.health import Verdict
from streams.observe.history import History, Lately
from streams.observe.metrics import Metrics
from streams.observe.progress import Ask, Progress
from streams.observe.ratios import BLOCK_SENDS, BLOCKS, Rated
from streams.observe.recent import Notice as Said
from streams.observe.recent import Recent
from streams.web.overview import (
    ACCOUNT,
    ENOUGH_ENDS,
    Counts,
    Evidence,
    Flow,
    Notice,
    Overview,
    Partition,
    Provider,
    Rates,
    Reputation,
    Step,
    Stock,
    Worker,
    added,
    moment,
    reputation,
)
from streams.web.server import Judge

LATELY_MINUTES = 15
"""What a forecast rests on: long enough that a burst is no trend."""
ROOM = BLOCK_SENDS * BLOCKS


class Sources(NamedTuple):
    """Whom a survey asks."""

    metrics: Metrics
    history: History
    recent: Recent
    health: Judge
    ask: Ask


class Survey:
    """Looks at one worker."""

    def __init__(self, url: Callable[[], str], sources: Sources, began: int) -> None:
        """Keep whom to ask; *url* says where other workers reach this one, *began* is ms since the epoch."""
        self._url, self._sources, self._began = url, sources, began

    @property
    def _name(self) -> str:
        """Return what people call this worker: where it is, without how to get there."""
        return self._url().partition("//")[2].rstrip("/")

    def take(self, now: int, *, named: bool = False) -> Overview:
        """Return how it goes at *now*; with addresses only where *named*."""
        sources = self._sources
        sources.metrics.look()
        progress, verdict = sources.ask(), sources.health.check()
        streams = self._streams(sources.history.lately(LATELY_MINUTES))
        providers, minutes = self._providers()
        return Overview(
            at=moment(now),
            workers=[self._worker(progress, verdict)],
            flow=self._flow(),
            account=added(ACCOUNT, streams),
            streams=streams,
            providers=providers,
            providers_minutes=minutes,
            notices=[_notice(said) for said in sources.recent.notices(named=named)],
            partitions=[
                Partition(topic=topic, partition=number, lag=place.lag, held=place.held, worker=self._name)
                for (topic, number), place in sorted(progress.positions.items())
            ],
            stock=self._stock(),
        )

    def _worker(self, progress: Progress, verdict: Verdict) -> Worker:
        return Worker(
            name=self._name,
            version=__version__,
            state=verdict.state,
            live=verdict.live,
            ready=verdict.ready,
            reasons=list(verdict.reasons),
            lag=sum(place.lag for place in progress.positions.values()),
            recovery_remaining=progress.recovery_remaining,
            committed_at=None if progress.committed_at is None else moment(progress.committed_at),
            since=moment(self._began),
        )

    def _flow(self) -> Flow:
        history = self._sources.history
        steps = [Step(until=moment(until), **rates._asdict()) for until, rates in history.steps()]
        return Flow(now=Rates(**history.rates()._asdict()), steps=steps)

    def _streams(self, lately: Lately) -> list[Reputation]:
        """Return how each stream stands, by the window of ratios.py and by what was counted of late."""
        metrics = self._sources.metrics
        bounces, complaints = metrics.values("ses_bounce_ratio"), metrics.values("ses_complaint_ratio")
        found = []
        for (stream,), sends in sorted(metrics.values("ses_ratio_sends").items()):
            new = lately.rated.get(stream, Rated())
            window = Counts(
                sends=int(sends),
                bounces=round(bounces.get((stream,), 0.0) * sends),
                complaints=round(complaints.get((stream,), 0.0) * sends),
            )
            found.append(reputation(stream, window, ROOM, Counts(**new._asdict()), lately.span / 1000))
        return found

    def _providers(self) -> tuple[list[Provider], float]:
        """Return what became of mail by provider, and over how many minutes: after a quiet hour since we began."""
        history = self._sources.history
        lately = history.lately()
        found = _by_provider(lately)
        if sum(one.ends for one in found) < ENOUGH_ENDS:
            lately = history.since_began()
            found = _by_provider(lately)
        return found, lately.span / 60_000

    def _stock(self) -> Stock:
        values = self._sources.metrics.values
        return Stock(
            suppressions={reason: int(count) for (reason,), count in values("ses_suppressions").items() if count},
            loops=_total(values("ses_loops")),
            retries_pending=_total(values("ses_retries_pending")),
            dead_letters=_total(values("ses_dead_letters_total")),
            unmatched=_total(values("ses_unmatched_feedback_total")),
            paused=sorted(stream for (stream,), paused in values("ses_dispatch_paused").items() if paused),
        )


def _total(values: Mapping[tuple[str, ...], float]) -> int:
    return int(sum(values.values()))


def _by_provider(lately: Lately) -> list[Provider]:
    by_provider: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (provider, kind), count in lately.outcomes.items():
        if count:
            by_provider[provider][kind] += int(count)
    return [Provider(provider=name, outcomes=dict(kinds)) for name, kinds in sorted(by_provider.items())]


def _notice(said: Said) -> Notice:
    return Notice(
        at=moment(said.at),
        said=said.said.value,
        who=said.who,
        address=said.address,
        reason=said.reason,
        scope=said.scope,
        until=None if said.until is None else moment(said.until),
        replies=said.replies,
        evidence=[Evidence(message_id=id_, kind=kind, status=status) for id_, kind, status in said.evidence],
    )

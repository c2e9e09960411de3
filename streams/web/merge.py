"""Adds up the overviews of all workers of a group. Counts are added, ratios are made of the sums, lists are joined."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from streams.observe.recent import KEPT
from streams.web.overview import ACCOUNT, Flow, Overview, Provider, Rates, Reputation, Step, Stock, added

RATES = tuple(Rates.model_fields)


def merge(overviews: Sequence[Overview], missing: Sequence[str] = ()) -> Overview:
    """Return one overview of all; *missing* are workers that did not answer. There is at least one overview."""
    one_each: defaultdict[str, list[Reputation]] = defaultdict(list)
    for overview in overviews:
        for reputation in overview.streams:
            one_each[reputation.stream].append(reputation)
    streams = [added(stream, parts) for stream, parts in sorted(one_each.items())]
    return Overview(
        at=max(one.at for one in overviews),
        workers=sorted((worker for one in overviews for worker in one.workers), key=lambda worker: worker.name),
        missing=sorted({*missing, *(name for one in overviews for name in one.missing)}),
        flow=_flow([one.flow for one in overviews]),
        account=added(ACCOUNT, streams),
        streams=streams,
        providers=_providers(provider for one in overviews for provider in one.providers),
        providers_minutes=max(one.providers_minutes for one in overviews),
        notices=sorted((n for one in overviews for n in one.notices), key=lambda n: n.at, reverse=True)[:KEPT],
        partitions=sorted((p for one in overviews for p in one.partitions), key=lambda p: (p.topic, p.partition)),
        stock=_stock([one.stock for one in overviews]),
    )


def _flow(flows: Sequence[Flow]) -> Flow:
    """Return the sums; steps are added where they ended at the same moment."""
    at: defaultdict[datetime, list[Rates]] = defaultdict(list)
    for flow in flows:
        for step in flow.steps:
            at[step.until].append(step)
    steps = [Step(until=until, **_sums(parts)) for until, parts in sorted(at.items())]
    return Flow(now=Rates(**_sums([flow.now for flow in flows])), steps=steps)


def _sums(rates: Sequence[Rates]) -> dict[str, float]:
    return {name: sum(getattr(one, name) for one in rates) for name in RATES}


def _providers(parts: Iterable[Provider]) -> list[Provider]:
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for part in parts:
        sums[part.provider].update(part.outcomes)
    return [Provider(provider=name, outcomes=dict(outcomes)) for name, outcomes in sorted(sums.items())]


def _stock(parts: Sequence[Stock]) -> Stock:
    suppressions = Counter[str]()
    for part in parts:
        suppressions.update(part.suppressions)
    return Stock(
        suppressions=dict(suppressions),
        loops=sum(part.loops for part in parts),
        retries_pending=sum(part.retries_pending for part in parts),
        dead_letters=sum(part.dead_letters for part in parts),
        unmatched=sum(part.unmatched for part in parts),
        paused=sorted({stream for part in parts for stream in part.paused}),
    )

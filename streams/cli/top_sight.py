"""What workers say, added up into one sight: rates, ratios, lag, ages, what waits. Plain data, which is also the JSON.

A worker that was not there at the last look has no rate yet. No word of a record comes in here, and nothing that is
drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.cli.top_asking import Said
from streams.cli.top_pages import Count, Counts, Spread, added, grown, spread
from streams.demo.gauges import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker, or intake."""

    url: str
    state: str
    ready: bool
    live: bool
    reasons: tuple[str, ...]
    version: str | None
    lag: int
    recovery_remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A stream's ratios over its last sends, and in how many hours SES would review the account if it goes on so.

    *stream* is None for all of them together, hours where that is not foreseen; each worker foresees by what it sees.
    """

    stream: str | None
    sends: int
    bounce: float
    complaint: float
    bounce_review_in_hours: float | None = None
    complaint_review_in_hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How many records of a partition wait, and who holds it."""

    topic: str
    partition: int
    lag: int
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One hop since the last look: its chunks, how long one took, and the seconds of each step in a second."""

    hop: str
    chunks_per_second: float
    seconds: Spread
    steps: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits, or does not go on: retries, parked by rule or by people, and what could not be used."""

    retries: int
    loops: int
    suppressions: int
    calls: int
    paused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All of it at a moment. *seconds* lie between the two looks; None where there was only one."""

    at: str
    seconds: float | None
    workers: tuple[Worker, ...]
    records: Count
    sends: Count
    arrived: Count
    outcomes: dict[str, Count]
    bounces: dict[str, Count]
    complaints: dict[str, Count]
    dead_letters: dict[str, Count]
    ratios: tuple[Ratio, ...]
    lag: tuple[Lag, ...]
    age: Spread | None
    hops: tuple[Hop, ...]
    waiting: Waiting


def sight(at: str, now: Sequence[Said], before: Sequence[Said] = ()) -> Sight:
    """Return what can be seen *now*, with what has changed since *before*."""
    pages = [said.page for said in now if said.page is not None]
    whole, spans = added(pages), list(_spans(now, before))
    moved = added(page for page, _ in spans)
    counts = Counts(whole, spans)
    return Sight(
        at=at,
        seconds=max((seconds for _, seconds in spans), default=None),
        workers=tuple(map(_worker, now)),
        records=counts.one("ses_records_total"),
        sends=counts.one("ses_sends_total"),
        arrived=counts.one("ses_intake_records_total"),
        outcomes=counts.by("ses_outcomes_total", "kind"),
        bounces=counts.by("ses_bounces_total", "type"),
        complaints=counts.by("ses_complaints_total", "type"),
        dead_letters=counts.by("ses_dead_letters_total", "reason"),
        ratios=tuple(_ratios(pages, now)),
        lag=tuple(_lag(now)),
        age=spread(moved, "ses_event_age_seconds"),
        hops=tuple(_hops(moved, counts)),
        waiting=_waiting(whole),
    )


def _spans(now: Sequence[Said], before: Sequence[Said]) -> Iterator[tuple[Page, float]]:
    """Yield by how much each worker's numbers have grown, and in which time; nothing of one that was not there."""
    then = {said.url: said for said in before}
    for said in now:
        last = then.get(said.url)
        if said.page is not None and last is not None and last.page is not None and said.at > last.at:
            yield grown(last.page, said.page), said.at - last.at


def _worker(said: Said) -> Worker:
    page = said.page or Page()
    versions = [dict(labels).get("version") for labels in page.metrics.get("ses_build_info", {})]
    return Worker(
        url=said.url,
        state=said.state,
        ready=said.ready,
        live=said.live,
        reasons=said.reasons,
        version=versions[0] if versions else None,
        lag=round(page.total("ses_consumer_lag")),
        recovery_remaining=round(page.total("ses_recovery_remaining")),
    )


def _ratios(pages: Sequence[Page], now: Sequence[Said]) -> Iterator[Ratio]:
    """Yield the ratios of all streams together, then of each, those that send most first; workers weigh by sends."""
    sums: defaultdict[str | None, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for page in pages:
        bounce, complaint = page.by("ses_bounce_ratio", "stream"), page.by("ses_complaint_ratio", "stream")
        for stream, sends in page.by("ses_ratio_sends", "stream").items():
            parts = sends, bounce.get(stream, 0.0) * sends, complaint.get(stream, 0.0) * sends
            for name in (None, stream):
                sums[name] = [before + part for before, part in zip(sums[name], parts, strict=True)]
    for name, (sends, bounced, complained) in sorted(sums.items(), key=lambda one: (one[0] is not None, -one[1][0])):
        if sends:
            yield Ratio(
                stream=name,
                sends=round(sends),
                bounce=bounced / sends,
                complaint=complained / sends,
                bounce_review_in_hours=_soonest(now, name, "bounce"),
                complaint_review_in_hours=_soonest(now, name, "complaint"),
            )


def _soonest(now: Sequence[Said], stream: str | None, kind: str) -> float | None:
    """Return the fewest hours that any worker foresees."""
    which = "*" if stream is None else stream, kind
    return min((said.foreseen[which] for said in now if which in said.foreseen), default=None)


def _lag(now: Sequence[Said]) -> list[Lag]:
    """Return the lag of every partition, the worst first."""
    found = []
    for said in now:
        for labels, lag in (said.page or Page()).metrics.get("ses_consumer_lag", {}).items():
            words = dict(labels)
            place = int(words.get("partition", "-1"))
            found.append(Lag(topic=words.get("topic", ""), partition=place, lag=round(lag), worker=said.url))
    return sorted(found, key=lambda one: (-one.lag, one.topic, one.partition))


def _hops(moved: Page, counts: Counts) -> Iterator[Hop]:
    """Yield every hop that has done something."""
    for hop, chunks in moved.by("ses_chunk_seconds_count", "hop").items():
        seconds = spread(moved, "ses_chunk_seconds", hop=hop)
        if not chunks or seconds is None:
            continue
        names = dict.fromkeys(
            dict(labels).get("step", "") for labels in moved.metrics.get("ses_step_seconds_total", {})
        )
        steps = {step: counts.one("ses_step_seconds_total", hop=hop, step=step).per_second or 0.0 for step in names}
        yield Hop(
            hop=hop,
            chunks_per_second=counts.one("ses_chunk_seconds_count", hop=hop).per_second or 0.0,
            seconds=seconds,
            steps={step: share for step, share in sorted(steps.items(), key=lambda one: -one[1]) if share},
        )


def _waiting(whole: Page) -> Waiting:
    paused = whole.by("ses_dispatch_paused", "stream")
    return Waiting(
        retries=round(whole.total("ses_retries_pending")),
        loops=round(whole.total("ses_loops")),
        suppressions=round(whole.total("ses_suppressions")),
        calls=round(whole.total("ses_calls_in_flight")),
        paused=tuple(sorted(stream for stream, value in paused.items() if value)),
    )

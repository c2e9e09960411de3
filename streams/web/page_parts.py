"""The parts of the status page, from an overview to HTML: each answers one question in a sentence, and then shows why.

Every value goes through the templates' autoescape; nothing here builds HTML by hand. What is shown is decided by the
overview that comes in: if nobody is named in it, nobody is named on the page.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from streams import __version__
from streams.mail.outcome import OutcomeKind
from streams.observe.history import STEP_MS
from streams.web import headline, plots, words
from streams.web.overview import ENOUGH_ENDS, Gauge, Notice, Overview, Partition, Rates

PARTS = ("flow", "reputation", "providers", "recent", "lag", "workers")
"""The sections of the page, in the order of an operator's questions."""
LIVE = ("news", "headline", *PARTS)
"""What changes while the page is open. The news are for screen readers: only the two judgements, since rates change
with every beat and nobody wants to hear them all."""
KINDS = (
    OutcomeKind.DELIVERED,
    OutcomeKind.HARD_BOUNCED,
    OutcomeKind.SOFT_BOUNCED,
    OutcomeKind.COMPLAINED,
    OutcomeKind.AUTO_REPLIED,
    OutcomeKind.DELAYED,
)
HEATS = 5
TIMES = (0.75, 1.25, 2, 3)
"""So many times the share of all mail make the next warmer colour: the usual is pale, thrice the usual is not."""
WIDEST = 32
"""Partitions that a table has columns for; of more, those that lag most are shown."""
DAY_S, MINUTE_S = 86_400, 60


class Cell(NamedTuple):
    """One share of the heat map."""

    mails: int
    share: float
    heat: str


class Heat(NamedTuple):
    """A provider's row of the heat map."""

    provider: str
    ends: int
    cells: list[Cell]


class LagCell(NamedTuple):
    """How many records wait in one partition; None where nobody who answered holds it."""

    lag: int | None
    heat: str


class LagRow(NamedTuple):
    """A topic's row."""

    topic: str
    cells: list[LagCell]


class Plot(NamedTuple):
    """One small plot, and what is written around it."""

    name: str
    now: float
    most: float
    begins: str
    label: str
    drawn: plots.Spark


class Drawer:
    """Renders templates; made once."""

    def __init__(self, url: Callable[[str], str]) -> None:
        """Read the templates that lie beside this file; *url* says where a question is answered."""
        self._environment = Environment(
            loader=PackageLoader("streams.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"version": __version__, "url": url}
        self._environment.filters |= {said.__name__.lstrip("_"): said for said in FILTERS}

    def page(self, name: str, **said: Any) -> str:
        """Return a whole page."""
        return self._environment.get_template(name).render(**said)

    def parts(self, overview: Overview, *, named: bool) -> dict[str, str]:
        """Return the live parts of the page by their ids."""
        said = told(overview, named=named)
        return {part: self._environment.get_template(f"parts/{part}.html").render(**said) for part in LIVE}


def told(overview: Overview, *, named: bool) -> dict[str, Any]:
    """Return what the templates of the parts want to know."""
    columns, rows = _lag(overview.partitions)
    return {
        "overview": overview,
        "named": named,
        "flows": headline.mail_flows(overview),
        "review": headline.would_review(overview),
        "plots": _plots(overview),
        "kinds": KINDS,
        "most": headline.bounces_most(overview.providers),
        "period": f"Shares of the mails that were delivered or bounced in {words.period(overview.providers_minutes)}.",
        "heat": _heat(overview),
        "summary": _summary(overview.notices),
        "lags": headline.lags_most(overview.partitions),
        "lag_columns": columns,
        "lag_rows": rows,
    }


def title(overview: Overview) -> str:
    """Return what stands in the browser's tab."""
    return f"{headline.mail_flows(overview).says} · {headline.would_review(overview).says} · ses-streams"


def _plots(overview: Overview) -> list[Plot]:
    steps = overview.flow.steps
    span = (steps[-1].until - steps[0].until).total_seconds() if steps else 0.0
    period = words.period(max(span, plots.LEAST_STEPS * STEP_MS / 1000) / 60)
    return [
        _plot(name, getattr(overview.flow.now, name), [getattr(step, name) for step in steps], period)
        for name in Rates.model_fields
    ]


def _plot(name: str, now: float, values: Sequence[float], period: str) -> Plot:
    most = max(values, default=0.0)
    label = f"{name} a second over {period}: now {words.rate(now)}, at most {words.rate(most)}"
    return Plot(name, now, most, f"{period.removeprefix('the last ')} ago", label, plots.spark(values))


def _heat(overview: Overview) -> list[Heat]:
    """Return the heat map; a cell is the warmer, the further its share is above that of all mail."""
    providers = [one for one in headline.worst_first(overview.providers) if one.ends]
    ends = sum(one.ends for one in providers)
    usual = {kind: sum(one.outcomes.get(kind, 0) for one in providers) / (ends or 1) for kind in KINDS}
    found = []
    for one in providers:
        cells = []
        for kind in KINDS:
            mails = one.outcomes.get(kind, 0)
            plain = kind is OutcomeKind.DELIVERED or one.ends < ENOUGH_ENDS or not mails
            heat = "" if plain else f"heat{1 + bisect(TIMES, mails / one.ends / usual[kind])}"
            cells.append(Cell(mails, mails / one.ends, heat))
        found.append(Heat(one.provider, one.ends, cells))
    return found


def _warmth(value: float, most: float) -> str:
    """Return the class of a cell beside the largest: none for nothing, heat1 to heat5."""
    return f"heat{max(1, round(value / most * HEATS))}" if value > 0 and most > 0 else ""


def _lag(partitions: Sequence[Partition]) -> tuple[list[int], list[LagRow]]:
    """Return the columns and rows of the table of lags."""
    lags = {(one.topic, one.partition): one.lag for one in partitions}
    worst = Counter[int]()
    for (_, number), lag in lags.items():
        worst[number] = max(worst[number], lag)
    columns = sorted(number for number, _ in worst.most_common(WIDEST))
    most = max(lags.values(), default=0)
    rows = []
    for topic in sorted({topic for topic, _ in lags}):
        found = [lags.get((topic, number)) for number in columns]
        rows.append(LagRow(topic, [LagCell(lag, _warmth(lag or 0, most)) for lag in found]))
    return columns, rows


def _bar(gauge: Gauge) -> plots.Bar:
    return plots.bar(gauge.ratio, gauge.review, gauge.pause)


def _summary(notices: Sequence[Notice]) -> str:
    """Count what was said of late."""
    said = Counter(notice.said for notice in notices)
    counted = ", ".join(f"{count} {word}" for word, count in said.most_common())
    return f"The last {len(notices)}: {counted}."


def _term(notice: Notice) -> str:
    """Say for how long, and for which stream."""
    if notice.said not in ("suppressed", "looping"):
        return ""
    scope = "" if notice.scope in (None, "*") else f", only {notice.scope}"
    return f"{_until(notice.until, notice.at)}{scope}"


def _until(until: datetime | None, at: datetime) -> str:
    if until is None:
        return "for good"
    return f"until {until:%Y-%m-%d}" if (until - at).total_seconds() > DAY_S else f"until {until:%H:%M}"


def _because(notice: Notice) -> str:
    """Say why in words, with the newest piece of evidence."""
    if notice.said == "released":
        return "nothing speaks against it any more"
    if notice.said == "cleared":
        return "the flag has run out, or was cleared"
    if notice.said == "looping":
        return f"{notice.replies or len(notice.evidence)} auto-replies to our automatic mails"
    first = notice.evidence[0] if notice.evidence else None
    status = f", status {first.status}" if first is not None and first.status else ""
    return f"{words.words(notice.reason or 'unknown')}{status}"


FILTERS = (
    words.number,
    words.rate,
    words.share,
    words.words,
    words.clock,
    words.iso,
    words.day_and_time,
    words.since,
    headline.forecast,
    headline.level,
    headline.is_thin,
    headline.closest_first,
    _bar,
    _term,
    _because,
)
"""What the templates may call, by its own name."""

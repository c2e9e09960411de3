"""What the page says first: does mail flow, and would SES review the account; one sentence each, and how bad it is.

The same judgements stand at the head of each section as the answer to its question. Pure: an overview comes in,
sentences come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from streams.web.overview import ENOUGH_ENDS, Gauge, Line, Overview, Partition, Provider, Reputation
from streams.web.words import in_about, number, rate, share, words

ENOUGH_SENDS = 100
"""Below this a ratio says nothing: one bounce more, and it is another one."""


class Level(StrEnum):
    """How bad it is; the page says it by colour and by word."""

    GOOD = "good"
    QUIET = "quiet"
    WARN = "warn"
    BAD = "bad"


class Sentence(NamedTuple):
    """An answer, and what it rests on."""

    level: Level
    says: str
    because: str


def mail_flows(overview: Overview) -> Sentence:
    """Say whether mail flows."""
    now, lag = overview.flow.now, sum(worker.lag for worker in overview.workers)
    waits = f"{number(lag)} records wait" if lag else "nothing waits"
    passes = f"{rate(now.sends)} sends and {rate(now.outcomes)} outcomes a second, {waits}"
    ill = [worker for worker in overview.workers if not worker.ready]
    if ill or overview.missing:
        reasons = [f"{worker.name}: {'; '.join(worker.reasons) or worker.state}" for worker in ill]
        reasons += [f"{name} does not answer" for name in overview.missing]
        dead = any(not worker.live for worker in ill) or len(ill) == len(overview.workers)
        says = "Mail does not flow" if dead else "Mail flows, but not everywhere"
        return Sentence(Level.BAD if dead else Level.WARN, says, "; ".join(reasons))
    if overview.stock.paused:
        return Sentence(Level.WARN, f"Paused: {', '.join(overview.stock.paused)}", passes)
    if now.sends or now.outcomes:
        return Sentence(Level.GOOD, "Mail flows", passes)
    if lag:
        return Sentence(Level.WARN, "Nothing moves, and records wait", passes)
    pending = overview.stock.retries_pending
    later = f"{number(pending)} {'retry waits until it is' if pending == 1 else 'retries wait until they are'} due"
    return Sentence(Level.QUIET, "All is quiet", f"no mail now, and {later if pending else 'nothing waits'}")


def would_review(overview: Overview) -> Sentence:
    """Say whether SES would review the account, or pause it."""
    account = overview.account
    if is_thin(account):
        return Sentence(Level.QUIET, "Too few mails to rate", f"{number(account.window.sends)} sends so far")
    named = (("bounces", account.bounces), ("complaints", account.complaints))
    ordered = sorted(named, key=lambda one: one[1].ratio / one[1].review, reverse=True)
    clauses = [f"{name} {share(gauge.ratio)}, {_beside(gauge)}" for name, gauge in ordered]
    if level(ordered[0][1]) is not Level.GOOD:
        clauses[0] += _mostly(overview.streams, ordered[0][0])
    because = "; ".join(clauses)
    lines = {account.bounces.line, account.complaints.line}
    if Line.PAUSE in lines:
        return Sentence(Level.BAD, "SES may pause the account", because)
    if Line.REVIEW in lines:
        return Sentence(Level.BAD, "SES would review the account", because)
    soon = soonest(account)
    if soon is not None:
        return Sentence(Level.WARN, f"SES would review the account in about {in_about(soon)}", because)
    return Sentence(Level.GOOD, "SES would not review the account", because)


def _mostly(streams: Sequence[Reputation], kind: str) -> str:
    """Name the stream that brings most of what is above the line of review: with many sends that is no high ratio."""

    def counted(one: Reputation) -> int:
        return one.window.bounces if kind == "bounces" else one.window.complaints

    def over(one: Reputation) -> float:
        return counted(one) - one.window.sends * (one.bounces if kind == "bounces" else one.complaints).review

    most = max(streams, key=over, default=None)
    if most is None or over(most) <= 0:
        return ""
    return f", most by {most.stream} ({number(counted(most))} in {number(most.window.sends)} sends)"


def _beside(gauge: Gauge) -> str:
    """Say which of SES's lines a ratio is beside."""
    if gauge.line is Line.PAUSE:
        return f"over the pause line of {share(gauge.pause)}"
    if gauge.line is Line.REVIEW:
        return f"over the review line of {share(gauge.review)} and below the pause line of {share(gauge.pause)}"
    return f"below {share(gauge.review)}"


def closest_first(streams: Iterable[Reputation]) -> list[Reputation]:
    """Return the streams, those first that are closest to a line; behind them those with too few sends to say."""
    return sorted(
        streams,
        key=lambda one: (
            is_thin(one),
            -max(one.bounces.ratio / one.bounces.review, one.complaints.ratio / one.complaints.review),
            one.stream,
        ),
    )


def is_thin(reputation: Reputation) -> bool:
    """Tell whether there are too few sends for a ratio to say anything."""
    return reputation.window.sends < ENOUGH_SENDS


def soonest(reputation: Reputation) -> float | None:
    """Return in how many hours the first of the two ratios comes to its line of review; None where none does."""
    hours = (reputation.bounces.review_in_hours, reputation.complaints.review_in_hours)
    return min((h for h in hours if h is not None), default=None)


def forecast(gauge: Gauge) -> str:
    """Say when a ratio comes to its next line."""
    if gauge.line is Line.PAUSE:
        return "over the pause line"
    if gauge.line is Line.REVIEW:
        if gauge.pause_in_hours is None:
            return "over review; no pause at this rate"
        return f"over review; pause in ~{in_about(gauge.pause_in_hours)} at this rate"
    if gauge.review_in_hours is None:
        return "no review at this rate"
    return f"review in ~{in_about(gauge.review_in_hours)} at this rate"


def level(gauge: Gauge) -> Level:
    """Return how bad a ratio is."""
    if gauge.line is not Line.BELOW:
        return Level.BAD
    return Level.GOOD if gauge.review_in_hours is None else Level.WARN


def worst_first(providers: Iterable[Provider]) -> list[Provider]:
    """Return the providers, those first that bounce most; behind them those with too few mails to say."""
    return sorted(
        providers,
        key=lambda one: (one.ends < ENOUGH_ENDS, -(one.bounced / one.ends if one.ends else 0.0), one.provider),
    )


def bounces_most(providers: Iterable[Provider]) -> str:
    """Say which provider bounces most."""
    first = next(iter(worst_first(providers)), None)
    if first is None or first.ends < ENOUGH_ENDS:
        return "Too little mail to tell which provider bounces most."
    if not first.bounced:
        return "No provider bounces."
    return f"{words(first.provider)} bounces most: {share(first.bounced / first.ends)} of {number(first.ends)} mails."


def lags_most(partitions: Iterable[Partition]) -> str:
    """Say which partition lags."""
    most = max(partitions, key=lambda one: one.lag, default=None)
    if most is None:
        return "No partition is held here yet."
    if not most.lag:
        return "No partition lags: all is worked off."
    held = ", on purpose: SES takes no more for now" if most.held else ""
    return f"{most.topic} [{most.partition}] lags most: {number(most.lag)} records wait{held}."

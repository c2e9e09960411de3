"""What follows from an operator's word: one more fact about a recipient, which counts by when it was decided.

A release settles what is older than it, heard before it or after it; a suppression is a ground like any other. So the
order in which instructions and outcomes are heard does not matter, and the same instruction twice is once.
"""

from __future__ import annotations

from enum import StrEnum

from streams.decide.marks import known_as, prune_marks
from streams.decide.retry import prune_waits, request_key
from streams.mail.records import InstructionRecord
from streams.mail.retry import ALL_REQUESTS, CalledOff
from streams.mail.standing import Order, Release, Standing
from streams.mail.suppression import SuppressionReason


class Action(StrEnum):
    """What an operator may decide (mail.Instruction's symbols)."""

    SUPPRESS = "SUPPRESS"
    RELEASE = "RELEASE"
    CLEAR_LOOP = "CLEAR_LOOP"
    CANCEL_RETRY = "CANCEL_RETRY"


ACTIONS = frozenset(Action)
REASONS = frozenset(SuppressionReason) - {SuppressionReason.UNKNOWN}
"""Reasons that an operator may give; a list that is imported brings its own."""

MAX_ORDERS = 64
MAX_RELEASES = 64
MAX_CALLED_OFF = 64
"""Kept of each recipient: the latest."""


def obey(standing: Standing, instruction: InstructionRecord, now: int) -> Standing:
    """Return the standing after *instruction*; an action that is not known changes only touched_at."""
    standing = standing._replace(touched_at=now)
    match instruction["action"]:
        case Action.SUPPRESS:
            return prune_marks(_ordered(known_as(standing, instruction["written"]), instruction))
        case Action.RELEASE:
            return prune_marks(_released(standing, instruction))
        case Action.CLEAR_LOOP:
            return standing._replace(cleared_at=max(instruction["at"], standing.cleared_at))
        case Action.CANCEL_RETRY:
            return prune_waits(_called_off(standing, instruction))
        case _:
            return standing


def _ordered(standing: Standing, instruction: InstructionRecord) -> Standing:
    """Return the standing with an order; of two for the same scope and reason the later one holds."""
    order = Order(
        at=instruction["at"],
        scope=instruction["scope"],
        reason=SuppressionReason(instruction["reason"]),
        until=instruction["until"],
        by=instruction["by"],
    )
    latest: dict[tuple[str, str], Order] = {}
    for one in sorted((*standing.orders, order), key=_order):
        latest[one.scope, one.reason] = one
    return standing._replace(orders=tuple(sorted(latest.values(), key=_order)[-MAX_ORDERS:]))


def _order(order: Order) -> tuple[int, float, str, str, str]:
    """Return by what orders are sorted: at one time what lasts longest is last, and holds."""
    return order.at, float("inf") if order.until is None else order.until, order.scope, order.reason, order.by


def _released(standing: Standing, instruction: InstructionRecord) -> Standing:
    """Return the standing with a release."""
    latest = dict[str, int](standing.releases)
    latest[instruction["scope"]] = max(instruction["at"], latest.get(instruction["scope"], instruction["at"]))
    kept = sorted(latest.items(), key=lambda row: (row[1], row[0]))[-MAX_RELEASES:]
    return standing._replace(releases=tuple(Release(scope, at) for scope, at in kept))


def _called_off(standing: Standing, instruction: InstructionRecord) -> Standing:
    """Return the standing with the retries of one request, or of all, called off."""
    request_id = instruction["request_id"]
    key = ALL_REQUESTS if request_id is None else request_key(request_id)
    latest = dict[bytes, int](standing.called_off)
    latest[key] = max(instruction["at"], latest.get(key, instruction["at"]))
    kept = sorted(latest.items(), key=lambda row: (row[1], row[0]))[-MAX_CALLED_OFF:]
    return standing._replace(called_off=tuple(CalledOff(key, at) for key, at in kept))

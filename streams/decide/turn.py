"""Whose turn it is: which of the retries that wait go now, and when to look again.

After a soft bounce one retry asks the mailbox (the probe), and the others wait for its answer however due they are: a
full mailbox would only bounce them too. Where SES refused a request the mailbox has not been asked, and the retry goes
at its time. A recipient who must not be written to now gets nothing: a retry that falls due meanwhile is lost, one
that is not due yet may still come, if what stands against it goes in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from streams.decide.retry import freed, request_key, spend
from streams.mail.policy import RetryPolicy
from streams.mail.retry import Probe, Wait, WaitKind
from streams.mail.standing import NEVER, Standing
from streams.mail.waiting import Waiting, WaitingRetry

Barred = Callable[[str], bool]
"""Tells whether a stream must not write to the recipient now."""


class Turn(NamedTuple):
    """The standing after those who go now have gone, and who they are."""

    standing: Standing
    going: tuple[Wait, ...]


def take_turn(standing: Standing, barred: Barred, policy: RetryPolicy, now: int) -> Turn:
    """Return which retries go at *now* (ms), and the standing without them."""
    if not standing.waits and standing.probe is None:
        return Turn(standing, ())
    if _asks(standing.probe) and standing.probe is not None and standing.probe.at + policy.silence <= now:
        standing = freed(standing)
    live = [wait for wait in standing.waits if not barred(wait.stream)]
    shown = {wait.request_id for wait in live}
    going = [_at_once(wait, now) for wait in live if _goes(wait, now)]
    probe, asking = _next_probe(standing.probe, live, now)
    going += asking
    lost = [wait for wait in standing.waits if wait.request_id not in shown and _falls_due(wait, now)]
    for wait in (*going, *lost):
        standing = spend(standing, [request_key(wait.request_id)], wait.attempt, now)
    over = {wait.request_id for wait in (*going, *lost)}
    waits = tuple(w._replace(shown=w.request_id in shown) for w in standing.waits if w.request_id not in over)
    return Turn(standing._replace(waits=waits, probe=probe), tuple(going))


def _asks(probe: Probe | None) -> bool:
    """Tell whether a probe is under way."""
    return probe is not None and probe.at != NEVER


def _goes(wait: Wait, now: int) -> bool:
    """Tell whether a retry that has not to wait for a probe goes now."""
    return wait.kind == WaitKind.FREE or (wait.kind == WaitKind.REFUSED and wait.due_at <= now)


def _falls_due(wait: Wait, now: int) -> bool:
    """Tell whether a retry's time has come."""
    return wait.kind == WaitKind.FREE or wait.due_at <= now


def _at_once(wait: Wait, now: int) -> Wait:
    """Return the retry as it goes: one that was set free is due now, if not before."""
    return wait._replace(due_at=min(wait.due_at, now)) if wait.kind == WaitKind.FREE else wait


def _next_probe(probe: Probe | None, live: Sequence[Wait], now: int) -> tuple[Probe | None, list[Wait]]:
    """Return the probe after *now*, and the retry that becomes it, if one does."""
    if _asks(probe):
        return probe, []
    first = _first(probe, live)
    if first is None:
        return None, []
    if first.due_at <= now:
        return Probe(first.request_id, first.attempt, first.at, now), [first]
    return (probe if probe is not None and probe.request_id == first.request_id else None), []


def _first(probe: Probe | None, live: Sequence[Wait]) -> Wait | None:
    """Return whose turn it is: the one that asked last and bounced again, or else the earliest due."""
    held = [wait for wait in live if wait.kind == WaitKind.HELD]
    again = [wait for wait in held if probe is not None and wait.request_id == probe.request_id]
    return min(again or held, key=lambda w: (w.due_at, w.request_id), default=None)


def next_probe(standing: Standing, barred: Barred) -> Wait | None:
    """Return the retry that asks the mailbox next, once it is due; None where one asks already, or none is to."""
    if _asks(standing.probe):
        return None
    return _first(standing.probe, [wait for wait in standing.waits if not barred(wait.stream)])


def next_turn(standing: Standing, policy: RetryPolicy) -> int | None:
    """Return when (ms) to look at the retries again; None where none waits and none asks."""
    if not standing.waits and standing.probe is None:
        return None
    looks = [w.due_at for w in standing.waits if w.kind == WaitKind.REFUSED or not w.shown]
    if standing.probe is not None and _asks(standing.probe):
        looks.append(standing.probe.at + policy.silence)
    else:
        first = _first(standing.probe, [w for w in standing.waits if w.shown])
        looks += [] if first is None else [first.due_at]
    return min(looks, default=None)


def waiting(recipient: str, standing: Standing) -> Waiting | None:
    """Return what is to be said of what waits; None where nothing does."""
    if not standing.waits and standing.probe is None:
        return None
    waits = sorted((w for w in standing.waits if w.shown), key=lambda w: (w.due_at, w.request_id))
    asking = standing.probe if _asks(standing.probe) else None
    if not waits and asking is None:
        return None
    begun = [w.at for w in waits] + ([] if asking is None else [asking.since])
    return Waiting(
        recipient=recipient,
        holding=asking is not None or any(w.kind == WaitKind.HELD for w in waits),
        since=min(begun),
        probe_at=None if asking is None else asking.at,
        retries=tuple(WaitingRetry(**{n: getattr(w, n) for n in WaitingRetry.__slots__}) for w in waits),
    )

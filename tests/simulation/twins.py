"""Broken twins of the product: each one keeps a promise less, and the simulation must find it.

A twin is a handful of functions put in place of the product's own, for as long as it lasts. `CAUGHT_WITHIN` says how
many seeds it may take to find each: a promise whose breach nobody notices is not held by any test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from faust.types import TP

from streams.dispatch import outcomes as dispatch_outcomes
from streams.engine.delivery import Delivery, Ledger
from streams.engine.lane import Lane
from streams.engine.membership import Membership
from streams.engine.notary import Notary, Took
from streams.engine.place import Place
from streams.errors import WorldFailed
from streams.pipeline import Effects
from tests.simulation.consumer import Consumer
from tests.simulation.producer import Producer

Patch = tuple[Any, str, Any]

_work = Lane._work
_publish = Notary._publish
_log_changes = Notary._log_changes
_sent = dispatch_outcomes.Outcomes.sent


async def _ack_early(self: Lane, deliveries: Sequence[Delivery]) -> None:
    """Acknowledge a chunk, and then work on it."""
    for delivery in deliveries:
        delivery.done = True
    self.on_room()
    await _work(self, deliveries)


def _keep(self: Notary, effects: Effects, fired: Sequence[bytes], now: int, position: int | None) -> None:
    if effects.writes or effects.wake or fired:
        self.store.keep(effects.writes, position=position, wake=effects.wake, fired=fired, now=now)


async def _state_first(self: Notary, effects: Effects, fired: Sequence[bytes], now: int) -> Took:
    """Write state, and then outputs."""
    written = await _log_changes(self, effects, now)
    _keep(self, effects, fired, now, None if written is None else written.last + 1)
    await _publish(self, effects, now)
    return Took(0.0, 0.0, 0.0, 0.0)


async def _no_changelog(self: Notary, effects: Effects, now: int) -> None:
    """Write no changelog."""


async def _store_in_any_case(self: Notary, effects: Effects, fired: Sequence[bytes], now: int) -> Took:
    """Keep in the store what the changelog did not take."""
    await _publish(self, effects, now)
    try:
        written = await _log_changes(self, effects, now)
    except WorldFailed:
        _keep(self, effects, fired, now, None)
        raise
    _keep(self, effects, fired, now, None if written is None else written.last + 1)
    return Took(0.0, 0.0, 0.0, 0.0)


async def _errands_first(self: Notary, effects: Effects, fired: Sequence[bytes], now: int) -> Took:
    """Keep the intent of a call in the store alone, which a lost disk takes along."""
    await _publish(self, effects, now)
    if effects.errands:
        _keep(self, effects, fired, now, None)
        return Took(0.0, 0.0, 0.0, 0.0)
    written = await _log_changes(self, effects, now)
    _keep(self, effects, fired, now, None if written is None else written.last + 1)
    return Took(0.0, 0.0, 0.0, 0.0)


def _commit_all(self: Ledger, tp: TP) -> int | None:
    """Commit what was handed on, done or not."""
    return self._entered.get(tp)


def _any_generation(self: Consumer, generation: int, tp: TP, start: int) -> bool:
    """Take what an assignment of the past has fetched."""
    return tp in self._flowing


def _keep_queue(self: Consumer) -> None:
    """Stop the flow, and forget nothing that was on its way to the lanes."""
    self.flow_active = False
    self._flowing.clear()


def _never_disown(self: Producer) -> None:
    """Let everything leave that wants to."""


async def _no_flush(self: Producer) -> None:
    """Wait for nothing."""


def _unheard(self: Any, *args: Any, heard: bool) -> None:
    """Say to hop 1 that SES has a mail, and not to ourselves."""
    _sent(self, *args, heard=False)


async def _side_by_side(self: Notary, effects: Effects, now: int) -> float:
    """Let all outputs leave at once: a Send may stand, and its settlement not."""
    return await self._send({role: batch for role, batch in effects.outputs.items() if batch.keys}, now)


def _believe_the_disk(self: Place, fetched: int) -> bool:
    """Take a store for up to date as it lies there."""
    return True


TWINS: dict[str, tuple[Patch, ...]] = {
    "acknowledges a chunk before its outputs are": ((Lane, "_work", _ack_early),),
    "writes state before outputs": ((Notary, "carry_out", _state_first),),
    "skips the changelog": ((Notary, "_log_changes", _no_changelog),),
    "keeps in the store what the changelog refused": ((Notary, "carry_out", _store_in_any_case),),
    "begins errands whose intent is in no changelog": ((Notary, "carry_out", _errands_first),),
    "commits past an unfinished chunk": ((Ledger, "advance", _commit_all),),
    "works on deliveries of an old generation": (
        (Consumer, "is_current", _any_generation),
        (Consumer, "stop_flow", _keep_queue),
    ),
    "writes after its partitions have gone": (
        (Membership, "fresh", property(lambda _: True)),
        (Producer, "disown", _never_disown),
    ),
    "hands partitions over before its writes have landed": ((Producer, "flush", _no_flush),),
    "does not tell itself what SES answered": ((dispatch_outcomes.Outcomes, "sent", _unheard),),
    "lets settlements leave beside sends": ((Notary, "_publish", _side_by_side),),
    "believes a store that is behind its changelog": ((Place, "is_there", _believe_the_disk),),
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Put a broken twin in the product's place."""
    real = [(owner, attribute, owner.__dict__[attribute]) for owner, attribute, _ in TWINS[name]]
    for owner, attribute, twin in TWINS[name]:
        setattr(owner, attribute, twin)
    try:
        yield
    finally:
        for owner, attribute, value in reversed(real):
            setattr(owner, attribute, value)

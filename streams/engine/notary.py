"""The notary of a lane: the one order in which a hop's effects become durable.

Outputs (those that must stand first before the others), then the changelog, then the local store in one write. State
holds the marks by which repeats are known; were it durable before the outputs, a crash in between would lose them for
ever. Errands begin after all of it, and the acknowledgement comes last; both are the lane's. Nothing here calls a hop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from streams.engine.producer import ChunkProducer, Written
from streams.engine.store import Store
from streams.errors import BadSettings, WorldFailed
from streams.pipeline import Batch, Effects


class Took(NamedTuple):
    """What it took, in seconds; *build*, the making of batches, lies within *outputs* and *changelog*."""

    outputs: float
    changelog: float
    build: float
    state: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notary:
    """Makes effects of one partition durable.

    *outputs* is role to (topic, partition count); what goes to a role in *first* stands before the others leave.
    """

    hop: str
    outputs: Mapping[str, tuple[str, int]]
    changelog: str
    partition: int
    store: Store
    producer: ChunkProducer
    first: frozenset[str] = frozenset()

    async def carry_out(self, effects: Effects, fired: Sequence[bytes], now: int) -> Took:
        """Make *effects* durable, and the end of *fired* timers with them, in the order that loses nothing.

        Raises:
            BadSettings: the hop emits to a role that it was not given.
            WorldFailed: the broker did not take it, the disk did not, or another writer is there.
        """
        started = perf_counter()
        build = await self._publish(effects, now)
        published = perf_counter()
        written = await self._log_changes(effects, now)
        logged = perf_counter()
        if effects.writes or effects.wake or fired:
            position = None if written is None else written.last + 1
            self.store.keep(effects.writes, position=position, wake=effects.wake, fired=fired, now=now)
        build += 0.0 if written is None else written.seconds
        return Took(published - started, logged - published, build, perf_counter() - logged)

    async def _publish(self, effects: Effects, now: int) -> float:
        """Send the outputs and wait for them; return the seconds that it took to build their batches."""
        outputs = {role: batch for role, batch in effects.outputs.items() if batch.keys}
        before = {role: outputs.pop(role) for role in self.first & outputs.keys()}
        seconds = await self._send(before, now) if before else 0.0
        return seconds + await self._send(outputs, now)

    async def _send(self, outputs: Mapping[str, Batch], now: int) -> float:
        """Send outputs side by side."""
        sending = []
        for role, batch in outputs.items():
            topic, count = self._where_to(role)
            sending.append(self.producer.publish(topic, batch, count, now))
        seconds = 0.0
        for result in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            seconds += result
        return seconds

    def _where_to(self, role: str) -> tuple[str, int]:
        known = self.outputs.get(role)
        if known is None:
            raise BadSettings(f"hop {self.hop} emits to {role}, which it was not given")
        return known

    async def _log_changes(self, effects: Effects, now: int) -> Written | None:
        """Write state changes to the changelog; return where they stand, None when there are none."""
        writes = effects.writes
        if not writes:
            return None
        written = await self.producer.append(self.changelog, self.partition, list(writes), list(writes.values()), now)
        expected = self.store.position, self.store.position + len(writes) - 1
        if (written.first, written.last) != expected:  # the last, too: between two batches there is room for another's
            raise WorldFailed(
                f"{self.changelog}/{self.partition}: another writer is there "
                f"(expected offsets {expected[0]}..{expected[1]}, wrote at {written.first}..{written.last})"
            )
        return written

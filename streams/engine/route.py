"""Where a lane's work goes and who hears of it. Data and a protocol; no work is done here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from streams.pipeline import Effects, Hop


@dataclass(slots=True)
class Timings:
    """What a chunk, a wake or a hearing of results took, in seconds of wall clock; *recall* lies within *work*.

    *fetch* is the taking apart of fetched batches, in the consumer's thread; *outputs* and *changelog* include the
    wait for the broker's word, and *build*, which is the making of batches for both, lies within them.

    *appended_at* is the time of the chunk's last record, ms since the epoch; None where there was no chunk.
    """

    records: int = 0
    appended_at: int | None = None
    fetch: float = 0.0
    work: float = 0.0
    recall: float = 0.0
    outputs: float = 0.0
    changelog: float = 0.0
    build: float = 0.0
    state: float = 0.0


class Witness(Protocol):
    """Who is told what a hop's lanes do; *hop* is the hop's name."""

    def counted(self, hop: str, partition: int, counts: Counter[tuple[str, ...]] | None) -> None:
        """Hear what a partition's state adds to gauges when work on it begins; None when it has gone."""

    def done(self, hop: str, partition: int, effects: Effects, timings: Timings) -> None:
        """Hear of a chunk, of woken keys or of results, once all of it is durable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a hop's effects go: role to (topic, partition count), and the changelog of its table.

    What goes to a role in *first* is acknowledged before anything leaves for the others.
    """

    hop: Hop
    outputs: dict[str, tuple[str, int]]
    changelog: str
    witness: Witness | None
    first: frozenset[str] = frozenset()

"""How far the engine is, as metrics and health want to know it. The engine fills it; the front door hands it over.

A snapshot and no more: whoever reads it decides for himself what is too slow. It must never name a key or a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    """What the engine is doing, as it sees itself."""

    STARTING = "starting"
    RECOVERING = "recovering"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Position:
    """Where work stands in one partition.

    committed: the next offset to be worked off, as the brokers know it; -1 where nothing was committed yet.
    lag: records that wait behind it.
    held: they are left waiting on purpose, because SES takes no more for now.
    """

    committed: int
    lag: int
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One snapshot.

    positions: (topic, partition) to where work stands; only the partitions that this worker holds.
    recovery_remaining: changelog records still to be read before work begins.
    committed_at: ms since the epoch of the last commit; None before the first.
    lost: by the role of the topic, records that were deleted before they were read, since the worker began.
    """

    phase: Phase
    positions: Mapping[tuple[str, int], Position] = field(default_factory=dict)
    recovery_remaining: int = 0
    committed_at: int | None = None
    lost: Mapping[str, int] = field(default_factory=dict)


Ask = Callable[[], Progress]
"""Take a snapshot; cheap, never blocks, never fails."""

"""How the engine says how it goes: for health checks, metrics and the status page. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """Where in its life a worker is."""

    STARTING = "starting"
    RECOVERING = "recovering"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionProgress:
    """One input partition that is ours.

    *next_offset* is what follows the last finished chunk, None before the first; *end* is the partition's end as the
    last fetch said, None before the first; *lag* is what lies between them, 0 while either is unknown. *held* says that
    its hop is full and takes no more for now: a partition that stands still then is not stuck. *uncommitted* is the
    offset up to which commits stand while more is finished, -1 before the first; None where all of it is committed.
    """

    role: str
    topic: str
    partition: int
    next_offset: int | None
    end: int | None
    held: bool = False
    uncommitted: int | None = None

    @property
    def lag(self) -> int:
        """Return how many offsets are not worked on yet."""
        if self.next_offset is None or self.end is None:
            return self.end or 0
        return max(self.end - self.next_offset, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The whole worker. Times are ms since the epoch; *moved_at* is when anything was last finished or recovered.

    *recovery_remaining* counts changelog offsets still to be read; *failure* says why a worker stops, None while well.
    *lost* counts, by the role of the topic, offsets that were deleted before they were read.
    """

    state: State
    partitions: tuple[PartitionProgress, ...]
    recovery_remaining: int
    moved_at: int
    committed_at: int | None
    failure: str | None
    lost: Mapping[str, int] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        """Return the lag of all partitions."""
        return sum(partition.lag for partition in self.partitions)

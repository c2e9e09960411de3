"""From measured figures to a billion mails a day, step by step: each step has a name, its sum in words, and a result.

What is assumed and not measured stands at the top, with its reason; whoever runs another kind of mail changes it there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.balance import EVENTS, MAILS_A_DAY, OUTCOMES, PARTITIONS_A_WORKER, headroom, most_of_one_key
from benchmarks.scale_inputs import Inputs
from streams.mail.policy import DAY, JoinPolicy
from streams.topics import ROLES

REPLICATION = 3
STANDBYS = 1
OUTAGE_MIN, CATCH_UP_MIN = 10, 30
"""After an outage of so long, in the busiest hour, everything is caught up within so long."""
SKEW = "zipf 0.8"
SKEW_PARTITIONS = 192
"""What is planned for: recipients more unequal than people are, and many partitions, for those are less even."""
READERS = 1
"""Others who read outcomes, besides hop 2."""
DISK_A_POD_GB = 500
DISK_SPARE = 1.5
"""Compaction writes the new before it removes the old, and a volume that is full stops a worker."""
PEOPLE_KEPT = 200_000_000
"""Recipients who are remembered; each is forgotten after 90 quiet days."""
DIRTY = 0.2
"""The part of a compacted topic that may be superseded (min.cleanable.dirty.ratio)."""
BACK_WITHIN_MIN = 60
"""So long a lost disk may take to be rebuilt; a standby answers for it meanwhile."""
DAYS = tuple(dict.fromkeys((JoinPolicy().forget // DAY, 7, JoinPolicy().unanswered // DAY)))
SECONDS = 86_400
MONTH_DAYS = 30
MEGA, GIGA, TERA = 1e6, 1e9, 1e12
COUNT_STEP = 12
"""Partitions are a multiple of twelve, which two, three, four and six workers share evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """How many workers it takes where lives are remembered for *days*, by each limit, and what each then has.

    *as_measured* is how many it would take for none to have a larger table than the largest that was measured.
    """

    days: int
    lives: float
    disk: float
    by_processor: int
    by_disk: int
    by_recovery: int
    as_measured: int
    partitions: int

    @property
    def pods(self) -> int:
        """Return how many are needed: the greatest of the three."""
        return max(self.by_processor, self.by_disk, self.by_recovery)


class Sums:
    """All the steps, from one set of inputs."""

    def __init__(self, inputs: Inputs, mails: int = MAILS_A_DAY) -> None:
        """Do the sums that others rest on, for so many mails a day."""
        self.inputs, self.mails = inputs, mails
        self.mean = mails / SECONDS
        self.peak = self.mean * float(inputs.balance["peak_factor"])
        self.topics: Mapping[str, Any] = inputs.reference["steady"]["topics"]
        self.cores_mean = self.mean * EVENTS * inputs.cpu_us / MEGA
        self.cores_peak = self.peak * EVENTS * inputs.cpu_us / MEGA
        self.pods = [self._pods(days) for days in DAYS]

    # lives

    @property
    def life_on_disk(self) -> float:
        """Return the bytes of an answered life on a worker's disk: as an open one's, by how much larger it is."""
        reference = self.inputs.reference
        opened = float(reference["recovery"]["disk_mb"]) * MEGA / float(reference["open"])
        return opened * self.answered / float(reference["bytes_a_life"])

    @property
    def answered(self) -> float:
        """Return the bytes of an answered life: the mean of the changelog is between it and an open one."""
        return 2 * float(self.topics["lives_changelog"]["raw_bytes"]) - float(self.inputs.reference["bytes_a_life"])

    @property
    def life_in_log(self) -> float:
        """Return the bytes that a life takes in the compacted changelog, one copy."""
        return float(self.topics["lives_changelog"]["packed_bytes"]) / (1 - DIRTY)

    @property
    def standings(self) -> float:
        """Return the bytes of all recipients' standings on disk, one copy, packed as lives are: so many by mails."""
        ratio = self.life_on_disk / self.answered
        return PEOPLE_KEPT * (self.mails / MAILS_A_DAY) * float(self.topics["standings_changelog"]["raw_bytes"]) * ratio

    # workers

    @property
    def imbalance(self) -> float:
        """Return the heaviest worker over the mean, the worst of all trials."""
        rows = self.inputs.balance["rows"]
        return float(next(r["worker"][1] for r in rows if r["keys"] == SKEW and r["partitions"] == SKEW_PARTITIONS))

    @property
    def cores_planned(self) -> float:
        """Return the cores for the busiest hour, with headroom, in full chunks."""
        return float(self.cores_peak) * headroom(self.imbalance, OUTAGE_MIN, CATCH_UP_MIN)

    def _pods(self, days: int) -> Pods:
        lives = float(self.mails * days)
        disk = (lives * self.life_on_disk + self.standings) * DISK_SPARE * (1 + STANDBYS)
        by_recovery = math.ceil(lives / (self.inputs.records_per_s * BACK_WITHIN_MIN * 60))
        by_disk = math.ceil(disk / GIGA / DISK_A_POD_GB)
        by_processor = math.ceil(self.cores_planned)
        pods = max(by_recovery, by_disk, by_processor)
        partitions = math.ceil(pods * PARTITIONS_A_WORKER / COUNT_STEP) * COUNT_STEP
        return Pods(
            days=days,
            lives=lives,
            disk=disk,
            by_processor=by_processor,
            by_disk=by_disk,
            by_recovery=by_recovery,
            as_measured=math.ceil(lives / float(self.inputs.growth[-1]["open"])),
            partitions=partitions,
        )

    def capacity(self) -> float:
        """Return the records of both hops that one core works off in a second."""
        return float(MEGA / (self.inputs.cpu_us * EVENTS / (EVENTS + OUTCOMES)))

    def hottest(self, partitions: int) -> float:
        """Return the share of all recipients that one may have in the busiest hour, before its worker is full."""
        return most_of_one_key(self.capacity(), self.peak, partitions)

    # brokers, bytes a mail

    def packed(self, names: Sequence[str] | None = None) -> float:
        """Return the bytes a mail of these topics, packed, one copy."""
        wanted = self.topics if names is None else [name for name in names if name in self.topics]
        return float(sum(self.topics[name]["a_mail"] * self.topics[name]["packed_bytes"] for name in wanted))

    @property
    def changelogs(self) -> list[str]:
        """Return the names of the changelogs."""
        return [name for name in self.topics if name.endswith("_changelog")]

    @property
    def read(self) -> float:
        """Return the bytes a mail that brokers send to readers: each topic once, outcomes once more, standbys."""
        inputs = self.packed(["sends", "feedback", "outcomes"])
        return inputs + READERS * self.packed(["outcomes"]) + STANDBYS * self.packed(self.changelogs)

    def kept(self, name: str) -> float:
        """Return the bytes that a topic keeps for each mail a day, one copy: as many days as it is kept."""
        topic = self.topics[name]
        days = ROLES[name].days if name in ROLES else None
        return float(topic["a_mail"] * topic["packed_bytes"] * (days or 0))

    def log_disk(self, days: int) -> float:
        """Return the bytes on the brokers' disks, all copies, where lives are remembered for *days*."""
        deleted = sum(map(self.kept, self.topics)) * self.mails
        return REPLICATION * (deleted + self.mails * days * self.life_in_log)

"""Writes the table of capacity in docs/operating.md: what so many mails a day take, by the sums of docs/scale.md."""

from __future__ import annotations

import math

from benchmarks.balance import EVENTS
from benchmarks.scale_inputs import Inputs
from benchmarks.scale_markdown import table
from benchmarks.scale_plans import cores_asked
from benchmarks.scale_sums import GIGA, MEGA, REPLICATION, TERA, Sums

MAILS = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
FEWEST = 2
"""Workers, whatever the sums say: one may be down, or be replaced."""
BROKER_TB = 4
"""Disk of one broker; one that is lost is copied anew, at what the network gives."""
HEAD = (
    "mails a day",
    "events a second, busiest hour",
    "partitions",
    "workers",
    "cores, all workers",
    "memory, all workers",
    "mails in its state",
    "disk of a worker",
    "a lost disk is back after",
    "brokers",
    "disks of all brokers",
    "in from producers",
)


def capacity(inputs: Inputs) -> str:
    """Return the table, for mails that are remembered as long as they are by default."""
    return "\n".join(table(HEAD, [_row(Sums(inputs, mails)) for mails in MAILS], left=0))


def _row(sums: Sums) -> list[str]:
    plan = sums.pods[0]
    workers, kept = max(plan.pods, FEWEST), sums.log_disk(plan.days)
    back_s = plan.lives / workers / sums.inputs.records_per_s
    return [
        f"{sums.mails:,}",
        f"{sums.peak * EVENTS:,.0f}",
        f"{plan.partitions}",
        f"{workers}",
        f"{workers * cores_asked(sums):.1f}",
        f"{workers} GiB",
        f"{plan.lives / workers / MEGA:,.0f} M",
        f"{math.ceil(plan.disk / workers / GIGA):,} GB",
        f"{back_s / 60:,.1f} min",
        f"{max(REPLICATION, math.ceil(kept / TERA / BROKER_TB))}",
        f"{kept / TERA:,.2f} TB",
        f"{sums.peak * sums.packed() / MEGA:,.1f} MB/s",
    ]

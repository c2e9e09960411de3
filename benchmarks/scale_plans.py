"""The later tables of docs/scale.md: state, workers, the hottest recipient, metrics, and what a million mails cost."""

from __future__ import annotations

import math
from collections.abc import Iterator

from benchmarks.balance import EVENTS, MAILS_A_DAY, PARTITIONS, PARTITIONS_A_WORKER
from benchmarks.scale_markdown import Step, table
from benchmarks.scale_sums import (
    BACK_WITHIN_MIN,
    COUNT_STEP,
    DISK_A_POD_GB,
    DISK_SPARE,
    GIGA,
    MEGA,
    MONTH_DAYS,
    PEOPLE_KEPT,
    REPLICATION,
    SECONDS,
    SKEW,
    STANDBYS,
    TERA,
    Sums,
)

SAMPLE_BYTES = 2
"""Of a Prometheus sample on disk: «an average of only 1-2 bytes per sample» (its documentation, storage)."""
SCRAPE_S = 30


def state(sums: Sums) -> Iterator[Step]:
    """Yield what lives and standings take on disk."""
    reference = sums.inputs.reference
    opened = reference["recovery"]["disk_mb"] * MEGA / reference["open"]
    yield (
        "an open life on a worker's disk",
        (
            f"{reference['recovery']['disk_mb']:,.0f} MB / {reference['open']:,}, its timer among them; "
            f"{reference['bytes_a_life']:,.0f} bytes unpacked"
        ),
        f"{opened:,.0f} bytes",
    )
    yield (
        "one that is answered",
        f"x {sums.answered:,.0f} / {reference['bytes_a_life']:,.0f} bytes unpacked",
        f"{sums.life_on_disk:,.0f} bytes",
    )
    yield (
        "standings of recipients",
        f"{PEOPLE_KEPT:,} people x {sums.topics['standings_changelog']['raw_bytes']:,.0f} bytes, packed as lives are",
        f"{sums.standings / GIGA:,.0f} GB",
    )
    for one in sums.pods:
        yield (
            f"lives of {one.days} days",
            f"{one.lives:,.0f} x {sums.life_on_disk:,.0f} bytes",
            f"{one.lives * sums.life_on_disk / TERA:,.2f} TB",
        )


def pods(sums: Sums) -> list[str]:
    """Return how many workers it takes, by each limit."""
    head = (
        "remembered for",
        "lives",
        "workers by processor",
        f"by disk ({DISK_A_POD_GB} GB)",
        f"by recovery ({BACK_WITHIN_MIN} min)",
        "workers",
        "partitions",
        "lives a worker",
        "GB of disk each",
        "a lost disk, minutes",
        "workers, for tables no larger than measured",
    )
    rows = [
        [
            f"{one.days} days",
            f"{one.lives / GIGA:,.0f} G",
            f"{one.by_processor}",
            f"{one.by_disk}",
            f"{one.by_recovery}",
            f"**{one.pods}**",
            f"{one.partitions}",
            f"{one.lives / one.pods / MEGA:,.0f} M",
            f"{one.disk / one.pods / GIGA:,.0f}",
            f"{one.lives / one.pods / sums.inputs.records_per_s / 60:,.0f}",
            f"{one.as_measured:,}",
        ]
        for one in sums.pods
    ]
    return [
        f"Disk: one copy of its own and {STANDBYS} of another's, x {DISK_SPARE:g} for compaction.",
        f"Recovery: its own lives at {sums.inputs.records_per_s:,.0f} a second.",
        f"{PARTITIONS_A_WORKER} partitions a worker, rounded up to a multiple of {COUNT_STEP}.",
        "",
        *table(head, rows),
    ]


def a_worker(sums: Sums) -> Iterator[Step]:
    """Yield what one worker asks for."""
    steady, largest = sums.inputs.reference["steady"], sums.inputs.growth[-1]
    least, most = (sums.mean * EVENTS / one.pods for one in (sums.pods[0], sums.pods[-1]))
    yield (
        "processor, request",
        f"measured at {steady['rate']:,} events a second; in the plans above one gets {least:,.0f} to {most:,.0f}",
        f"{cores_asked(sums):.1f} cores",
    )
    yield "processor, limit", "one for the loop, one for RocksDB's own threads and for a recovery", "2 cores"
    yield (
        "memory, request",
        f"the most that was measured, with {largest['open']:,} open sends in its table",
        f"{max(largest['recovery']['peak_mb'], largest['steady']['memory_mb']['peak']):,.0f} MB",
    )
    yield "memory, limit", "a worker has budgets for what it keeps in memory, whatever is on its disk", "1 GiB"
    yield (
        "lives in the largest table measured",
        "what has more in the table above is a rule of three, not a measurement",
        f"{largest['open'] / MEGA:,.2f} M",
    )


def cores_asked(sums: Sums) -> float:
    """Return the cores that a worker asks for: what one took at a steady rate, rounded up to a tenth."""
    return math.ceil(10 * float(sums.inputs.reference["steady"]["cpu_share"])) / 10


def hottest(sums: Sums) -> list[str]:
    """Return what one recipient may have."""
    rows = [row for row in sums.inputs.balance["rows"] if row["keys"] == SKEW]
    figures = {row["partitions"]: row for row in rows}
    head = (
        "partitions",
        f"heaviest partition ({SKEW}), both hops",
        f"heaviest worker of {PARTITIONS_A_WORKER}",
        "one recipient at most, of all",
        "mails a day",
    )
    return [
        (
            "All lanes of a worker share one loop, which has one core at most: "
            f"{sums.capacity():,.0f} records of both hops a second."
        ),
        "",
        *table(
            head,
            [
                [
                    f"{count}",
                    f"{figures[count]['both_hops'][1]:.2f}",
                    f"{figures[count]['worker'][1]:.2f}",
                    f"{sums.hottest(count):.1%}",
                    f"{sums.hottest(count) * MAILS_A_DAY:,.0f}",
                ]
                for count in PARTITIONS
            ],
            left=0,
        ),
    ]


def metrics(sums: Sums) -> Iterator[Step]:
    """Yield how many series Prometheus gets."""
    series = sums.inputs.reference["steady"].get("series", 0)
    yield "series of one worker", "counted on its page", f"{series:,}"
    for one in sums.pods:
        total = series * one.pods
        yield (
            f"of {one.pods} workers ({one.days} days)",
            f"every {SCRAPE_S} s, {SAMPLE_BYTES} bytes a sample, {MONTH_DAYS} days",
            f"{total:,}; {total / SCRAPE_S * SAMPLE_BYTES * SECONDS * MONTH_DAYS / GIGA:,.1f} GB",
        )


def cost(sums: Sums) -> Iterator[Step]:
    """Yield what a million mails cost."""
    first, steady = sums.pods[0], sums.inputs.reference["steady"]
    packed = sums.packed()
    yield (
        "processor, full chunks",
        f"{EVENTS:g} M events x {sums.inputs.cpu_us:.1f} us",
        f"{EVENTS * sums.inputs.cpu_us:,.0f} s",
    )
    theirs = sums.mean * EVENTS / first.pods
    share = steady["cpu_share"] * max(1.0, theirs / steady["rate"])
    yield (
        f"processor, {first.pods} workers in small chunks",
        (
            f"{first.pods} x {share:.2f} cores x {SECONDS:,} s / {MAILS_A_DAY / MEGA:,.0f}; measured at "
            f"{steady['rate']:,} events a second, theirs is {theirs:,.0f}"
        ),
        f"{first.pods * share * SECONDS / (MAILS_A_DAY / MEGA):,.0f} s at most",
    )
    yield "written by producers", f"1 M x {packed:,.0f} bytes", f"{packed / 1000:,.2f} GB"
    yield "written to brokers' disks", f"x {REPLICATION}", f"{REPLICATION * packed / 1000:,.2f} GB"
    for one in sums.pods:
        log = sums.log_disk(one.days) / GIGA / (MAILS_A_DAY / MEGA) / MONTH_DAYS
        disk = one.disk / GIGA / (MAILS_A_DAY / MEGA) / MONTH_DAYS
        yield (
            f"kept, lives of {one.days} days",
            f"terabytes above, by the million mails of {MONTH_DAYS} days: brokers, workers",
            f"{log:,.2f} and {disk:,.2f} GB-months",
        )

"""Writes the sums as the tables of docs/scale.md: what, the sum in words, the result."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from benchmarks.balance import EVENTS, MAILS_A_DAY, OUTCOMES, PARTITIONS, PARTITIONS_A_WORKER, headroom
from benchmarks.scale_sums import (
    BACK_WITHIN_MIN,
    CATCH_UP_MIN,
    COUNT_STEP,
    DIRTY,
    DISK_A_POD_GB,
    DISK_SPARE,
    GIGA,
    MEGA,
    MONTH_DAYS,
    OUTAGE_MIN,
    PEOPLE_KEPT,
    READERS,
    REPLICATION,
    SECONDS,
    SKEW,
    STANDBYS,
    TERA,
    Sums,
)

Step = tuple[str, str, str]
SAMPLE_BYTES = 2
"""Of a Prometheus sample on disk: «an average of only 1-2 bytes per sample» (its documentation, storage)."""
SCRAPE_S = 30


def block(sums: Sums) -> str:
    """Return everything that the page says in figures."""
    parts = (
        ("Measured", _measured(sums)),
        ("Mails and events", _steps(_load(sums))),
        ("Processor", _steps(_processor(sums))),
        ("Records, on the wire and on the brokers' disks", _topics(sums)),
        ("Brokers", _steps(_brokers(sums))),
        ("State", _steps(_state(sums))),
        ("Workers, by how long a mail is remembered", _pods(sums)),
        ("Requests and limits of a worker", _steps(_a_worker(sums))),
        ("The hottest recipient", _hottest(sums)),
        ("Metrics", _steps(_metrics(sums))),
        ("What a million mails cost", _steps(_cost(sums))),
    )
    return "\n".join(line for title, lines in parts for line in (f"### {title}", "", *lines, "")).rstrip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    rule = ["---" if place < left else "---:" for place in range(len(head))]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def _steps(steps: Iterator[Step]) -> list[str]:
    return _table(("what", "how", "result"), list(steps), left=2)


def _measured(sums: Sums) -> list[str]:
    inputs = sums.inputs
    reference = inputs.reference
    rows = [
        [
            f"{row['open']:,}",
            f"{row['recovery']['records_per_s'] or 0:,}",
            f"{row['recovery']['ready_s']:,.0f}",
            f"{row['backlog']['events_per_s']:,}",
            f"{row['backlog']['cpu_us_an_event']:.1f}",
            f"{row['steady']['memory_mb']['middle']:,.0f}",
            f"{row['steady']['memory_mb']['peak']:,.0f}",
            f"{row['steady']['slope_mb_a_minute']:.2f} ± {row['steady']['slope_error'] or 0:.2f}",
            f"{row['recovery']['disk_mb']:,.0f}",
            f"{row['rebalance']['joins']['ready_s']:.0f}, {row['rebalance']['leaves']['ready_s']:.0f}",
        ]
        for row in inputs.growth
    ]
    head = (
        "open sends",
        "recovery, records/s",
        "ready after, s",
        "events/s",
        "CPU us an event",
        "memory, MB",
        "at most",
        "slope, MB/min",
        "disk, MB",
        "a worker joins, leaves: ready after, s",
    )
    return [
        (
            f"One worker on {reference['cores']} cores ({reference['cpu']}), which the broker and the generator share; "
            f"{reference['partitions']} partitions, a broker without copies."
        ),
        "",
        *_table(head, rows, left=0),
        "",
        (
            f"Below count: the table with {reference['open']:,} open sends; {inputs.cpu_us:.1f} us of processor an "
            f"event ({inputs.cpu_from}); {inputs.records_per_s:,.0f} records a second of recovery "
            f"({inputs.recovery_from})."
        ),
    ]


def _load(sums: Sums) -> Iterator[Step]:
    factor = sums.inputs.balance["peak_factor"]
    yield "mails a second, mean", f"{MAILS_A_DAY:,} / {SECONDS:,} s", f"{sums.mean:,.0f}"
    yield "in the busiest hour", f"x {factor} (the demo's mail day)", f"{sums.peak:,.0f}"
    yield "sends and events of SES a second, mean", f"x {EVENTS:g} a mail", f"{sums.mean * EVENTS:,.0f}"
    yield "in the busiest hour", f"{sums.peak:,.0f} x {EVENTS:g}", f"{sums.peak * EVENTS:,.0f}"
    yield "outcomes a second, mean", f"{sums.mean:,.0f} x {OUTCOMES:.2f} a mail", f"{sums.mean * OUTCOMES:,.0f}"


def _processor(sums: Sums) -> Iterator[Step]:
    inputs, steady = sums.inputs, sums.inputs.reference["steady"]
    imbalance = sums.imbalance
    factor = headroom(imbalance, OUTAGE_MIN, CATCH_UP_MIN)
    yield "cores, mean", f"{sums.mean * EVENTS:,.0f} x {inputs.cpu_us:.1f} us", f"{sums.cores_mean:.2f}"
    yield "in the busiest hour", f"{sums.peak * EVENTS:,.0f} x {inputs.cpu_us:.1f} us", f"{sums.cores_peak:.2f}"
    yield (
        "with headroom",
        (
            f"x {factor:.2f}: the heaviest worker has {imbalance:.3f} of its share ({SKEW}), and {OUTAGE_MIN} minutes' "
            f"outage is caught up within {CATCH_UP_MIN}"
        ),
        f"{sums.cores_planned:.1f}",
    )
    yield (
        "a worker at a small rate, in small chunks",
        f"measured at {steady['rate']:,} events a second: {steady['cpu_us_an_event']:.0f} us an event",
        f"{steady['cpu_share']:.2f} cores",
    )


def _topics(sums: Sums) -> list[str]:
    rows = []
    for name, topic in sums.topics.items():
        daily = MAILS_A_DAY * topic["a_mail"] * topic["packed_bytes"]
        rows.append(
            [
                name.replace("_", " "),
                f"{topic['a_mail']:.3f}",
                f"{topic['raw_bytes']:,.0f}",
                f"{topic['packed_bytes']:,.0f}",
                f"{topic['raw_bytes'] / topic['packed_bytes']:.1f}",
                f"{topic['records_a_batch']:,.0f}",
                f"{daily / GIGA:,.0f}",
            ]
        )
    head = ("topic", "records a mail", "bytes", "packed", "ratio", "records a batch", "GB a day")
    return _table(head, rows)


def _brokers(sums: Sums) -> Iterator[Step]:
    packed, peak = sums.packed(), sums.peak
    once = peak * packed / MEGA
    yield "bytes a mail, packed", "records a mail x packed bytes, all topics", f"{packed:,.0f}"
    yield "in from producers, busiest hour", f"{peak:,.0f} x {packed:,.0f} bytes", f"{once:,.0f} MB/s"
    yield "between brokers", f"x {REPLICATION - 1} more copies", f"{once * (REPLICATION - 1):,.0f} MB/s"
    yield (
        "out to readers",
        (
            f"sends, feedback and outcomes once, outcomes {READERS} time more, changelogs for {STANDBYS} standby: "
            f"{sums.read:,.0f} bytes a mail"
        ),
        f"{peak * sums.read / MEGA:,.0f} MB/s",
    )
    yield "written to disks", f"{once:,.0f} x {REPLICATION} copies", f"{once * REPLICATION:,.0f} MB/s"
    for one in sums.pods:
        yield (
            f"on the brokers' disks, lives of {one.days} days",
            (
                f"days that each topic is kept; lives {sums.life_in_log:,.0f} bytes each with {DIRTY:.0%} superseded; "
                f"x {REPLICATION}"
            ),
            f"{sums.log_disk(one.days) / TERA:,.1f} TB",
        )


def _state(sums: Sums) -> Iterator[Step]:
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


def _pods(sums: Sums) -> list[str]:
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
        *_table(head, rows),
    ]


def _a_worker(sums: Sums) -> Iterator[Step]:
    steady, largest = sums.inputs.reference["steady"], sums.inputs.growth[-1]
    least, most = (sums.mean * EVENTS / one.pods for one in (sums.pods[0], sums.pods[-1]))
    yield (
        "processor, request",
        f"measured at {steady['rate']:,} events a second; in the plans above one gets {least:,.0f} to {most:,.0f}",
        f"{math.ceil(10 * steady['cpu_share']) / 10:.1f} cores",
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


def _hottest(sums: Sums) -> list[str]:
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
        *_table(
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


def _metrics(sums: Sums) -> Iterator[Step]:
    series = sums.inputs.reference["steady"].get("series", 0)
    yield "series of one worker", "counted on its page", f"{series:,}"
    for one in sums.pods:
        total = series * one.pods
        yield (
            f"of {one.pods} workers ({one.days} days)",
            f"every {SCRAPE_S} s, {SAMPLE_BYTES} bytes a sample, {MONTH_DAYS} days",
            f"{total:,}; {total / SCRAPE_S * SAMPLE_BYTES * SECONDS * MONTH_DAYS / GIGA:,.1f} GB",
        )


def _cost(sums: Sums) -> Iterator[Step]:
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

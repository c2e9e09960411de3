"""Writes the sums as the tables of docs/scale.md: what, the sum in words, the result.

Here are the whole and its first tables, from what was measured to what brokers carry; the plans that follow from them
are in scale_plans.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.balance import EVENTS, MAILS_A_DAY, OUTCOMES, headroom
from benchmarks.scale_inputs import Row
from benchmarks.scale_markdown import Step, steps, table
from benchmarks.scale_plans import a_worker, cost, hottest, metrics, pods, state
from benchmarks.scale_sums import (
    CATCH_UP_MIN,
    DIRTY,
    GIGA,
    MEGA,
    OUTAGE_MIN,
    READERS,
    REPLICATION,
    SECONDS,
    SKEW,
    STANDBYS,
    TERA,
    Sums,
)


def block(sums: Sums) -> str:
    """Return everything that the page says in figures."""
    parts = (
        ("Measured", _measured(sums)),
        ("Mails and events", steps(_load(sums))),
        ("Processor", steps(_processor(sums))),
        ("Records, on the wire and on the brokers' disks", _topics(sums)),
        ("Brokers", steps(_brokers(sums))),
        ("State", steps(state(sums))),
        ("Workers, by how long a mail is remembered", pods(sums)),
        ("Requests and limits of a worker", steps(a_worker(sums))),
        ("The hottest recipient", hottest(sums)),
        ("Metrics", steps(metrics(sums))),
        ("What a million mails cost", steps(cost(sums))),
    )
    return "\n".join(line for title, lines in parts for line in (f"### {title}", "", *lines, "")).rstrip()


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
            _moves(row),
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
        *table(head, rows, left=0),
        "",
        (
            f"Below count: the table with {reference['open']:,} open sends; {inputs.cpu_us:.1f} us of processor an "
            f"event ({inputs.cpu_from}); {inputs.records_per_s:,.0f} records a second of recovery "
            f"({inputs.recovery_from})."
        ),
        "",
        inputs.latency,
    ]


def _moves(row: Row) -> str:
    """Return how soon a second worker that joined was ready, and the first one after it left; or that nobody looked."""
    moves = row.get("rebalance")
    return "not run" if moves is None else f"{moves['joins']['ready_s']:.0f}, {moves['leaves']['ready_s']:.0f}"


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
    return table(head, rows)


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

"""The figures of growth as a table for people: one line a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def table(figures: dict[str, Any]) -> str:
    """Return the table."""
    rows = list(_rows(figures))
    width = max(len(name) for name, _ in rows)
    title = f"{figures['open']:,} open sends in {figures['partitions']} partitions"
    return "\n".join([title, *(f"  {name:<{width}}  {said}" for name, said in rows)])


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    recovery = figures["recovery"]
    yield "an empty disk", f"ready after {recovery['ready_s']} s, {recovery['records_per_s'] or 0:,} records/s"
    yield "  until quiet", f"{recovery['quiet_after_s']} s more, {recovery['quiet_cpu_s']} s of processor"
    yield "  memory", f"{recovery['peak_mb']:,} MB at most, {recovery['memory_mb']:,} MB then"
    yield "  disk", f"{recovery['disk_mb']:,} MB; the changelog {figures['log_mb']:,} MB at the broker"
    if backlog := figures.get("backlog"):
        yield "at full speed", f"{backlog['events_per_s']:,} events/s, {backlog['cpu_us_an_event']} us an event"
        yield "  memory", f"{backlog['peak_mb']:,} MB at most"
    if steady := figures.get("steady"):
        memory = steady["memory_mb"]
        yield (
            f"at {steady['rate']:,} events/s",
            f"{steady['cpu_share']:.0%} of a core, {steady['cpu_us_an_event']} us an event",
        )
        yield "  memory", f"{memory['middle']:,} MB in the middle, {memory['peak']:,} MB at most"
        yield "  slope", f"{steady['slope_mb_a_minute']} MB a minute, error {steady['slope_error']}: {_flat(steady)}"
        yield "  disk", f"{steady['disk_mb']['before']:,} MB to {steady['disk_mb']['after']:,} MB"
    if moved := figures.get("rebalance"):
        for name in ("joins", "leaves"):
            one = moved[name]
            yield f"a second worker {name}", f"ready after {one['ready_s']} s, caught up {one['caught_up_s']} s later"


def _flat(steady: dict[str, Any]) -> str:
    return "flat" if steady["flat"] else "it rises"

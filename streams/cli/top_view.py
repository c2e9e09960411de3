"""The sight on a terminal: who is well, what SES thinks of us, what flows, where it waits, and how long it takes.

The most important stands first, because a small terminal shows only the top of it; a narrow one has everything below
each other. Everything comes from one sight, and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.cli.shown import counted
from streams.cli.top_asking import DOWN
from streams.cli.top_cells import DIM, added, columns, cut, rate, seconds, speed, total
from streams.cli.top_pages import Count
from streams.cli.top_sight import Hop, Ratio, Sight, Worker
from streams.demo.view import KINDS, blocks, gauge, words
from streams.observe.catalogue import LINES

WIDE = 100
"""Terminals of fewer columns have one thing below the other."""
TALL = 40
ENOUGH = 1_000
"""Ratios over fewer sends are shown in grey: they say little, and SES goes by more."""
_STYLES = {"running": "green", "starting": "yellow", "recovering": "yellow", "stopping": "yellow"}
_PAUSE = LINES["bounce", "pause"], LINES["complaint", "pause"]
_HEADS = {"bounce": "bounces", "complaint": "complaints"}


@dataclass(frozen=True, slots=True)
class Room:
    """How many rows lists may have."""

    workers: int
    streams: int
    kinds: int
    lags: int


_ROOM, _LITTLE = Room(12, 6, 12, 10), Room(5, 2, 5, 4)
NARROW = 60
"""With fewer columns than this, names stand above what is said of them."""


class Screen:
    """One sight as a page that fits the terminal it is drawn on."""

    def __init__(self, sight: Sight) -> None:
        """Take what is to be seen."""
        self._sight = sight

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide, and about as high, as there is room."""
        sight, low = self._sight, options.height is not None and options.height < TALL
        room = _LITTLE if low else _ROOM
        seen = _reputation(sight, room, narrow=options.max_width < NARROW)
        mail, work = (seen, _flow(sight, room)), (_lag(sight, room), _waiting(sight), _time(sight))
        parts: list[RenderableType] = [_head(sight), _workers(sight.workers, room)]
        if options.max_width >= WIDE:
            grid = Table.grid(padding=(0, 4), expand=True)
            grid.add_column(ratio=1)
            grid.add_column(ratio=1)
            grid.add_row(Group(*_spaced(mail)), Group(*_spaced(work)))
            parts.append(grid)
        else:
            parts += [*mail, *work]
        yield Padding(Group(*_spaced(parts)), (0, 1))


def _spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    return [thing for part in parts for thing in (part, "")][:-1]


def _head(sight: Sight) -> RenderableType:
    ready = sum(worker.ready for worker in sight.workers)
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    style = "" if ready == len(sight.workers) else "yellow"
    said = Text.assemble((f"{ready} of {counted(len(sight.workers), 'worker')} ready", style), (f" · {sight.at}", DIM))
    grid.add_row(Text("ses-streams", "bold"), said)
    return Group(grid, Rule(style=DIM))


def _workers(workers: Sequence[Worker], room: Room) -> RenderableType:
    """Name every worker, those that are not well first, and below them the reasons."""
    grid, reasons = columns("left", "cut", "left", "right"), list[Text]()
    ranked = sorted(workers, key=lambda worker: worker.ready)
    for worker in ranked[: room.workers]:
        style = "red" if worker.state in (DOWN, "stuck") else _STYLES.get(worker.state, "red")
        lag, url = "" if worker.state == DOWN else f"lag {worker.lag:,}", worker.url.removeprefix("http://")
        grid.add_row(Text(f"● {worker.state}", style), cut(url), Text(worker.version or "", DIM), Text(lag, DIM))
        reasons += [Text.assemble((f"{url} ", DIM), (reason, style)) for reason in worker.reasons]
    left = len(ranked) - room.workers
    return Group(grid, *reasons[: room.workers], *([Text(f"and {left} more", DIM)] if left > 0 else []))


def _reputation(sight: Sight, room: Room, *, narrow: bool) -> RenderableType:
    """Draw bounces and complaints of each stream against the lines at which SES reviews and pauses an account."""
    grid, parts = columns("cut", "left", "right", "left", "left"), list[RenderableType]()
    for ratio in _worst(sight.ratios, room.streams):
        name = "all" if ratio.stream is None else ratio.stream
        names: list[str | Text] = ["", ""] if narrow else [cut(name), cut(f"of {ratio.sends:,}", DIM)]
        if narrow:
            grid = columns("left", "left", "right", "left", "left")
            parts += [Text.assemble(name, (f" of {ratio.sends:,}", DIM)), grid]
        hours = ratio.bounce_review_in_hours, ratio.complaint_review_in_hours
        for beside, kind, share, left in zip(names, _HEADS, (ratio.bounce, ratio.complaint), hours, strict=True):
            bar = list(gauge(share, LINES[kind, "review"], LINES[kind, "pause"]))
            if left:
                bar[-1] = Text(f"{LINES[kind, 'review']:.1%} in {seconds(left * 3600)}".replace(".0%", "%"), "yellow")
            bar = [Text(part.plain, DIM) for part in bar] if ratio.sends < ENOUGH else bar
            grid.add_row(beside, f"{_HEADS[kind]:<10}", *bar)
    title = Text.assemble(("What SES sees", "bold"), ("  it ", DIM), ("reviews", "yellow"), (" and ", DIM))
    title.append_text(Text.assemble(("pauses", "red"), (" at", DIM)))
    return Group(title, *(parts or [grid] if sight.ratios else [Text("nothing was sent yet", DIM)]))


def _worst(ratios: Sequence[Ratio], streams: int) -> list[Ratio]:
    """Return all together, where there are several, then those nearest to a line; few sends say little."""
    whole, each = [one for one in ratios if one.stream is None], [one for one in ratios if one.stream is not None]
    each.sort(key=lambda one: (one.sends < ENOUGH, -max(one.bounce / _PAUSE[0], one.complaint / _PAUSE[1])))
    return (whole if len(each) > 1 else []) + each[:streams]


def _flow(sight: Sight, room: Room) -> RenderableType:
    """Draw what comes in and what became of it: in all, in a second, and its share of the outcomes."""
    grid = columns("left", "right", "right", "cut")
    for name, count in (("sends", sight.sends), ("taken in", sight.arrived), ("records", sight.records)):
        if count.total or name != "taken in":
            grid.add_row(name, total(count), rate(count), "")
    whole = sum(count.total for count in sight.outcomes.values()) or 1.0
    ranked = sorted(sight.outcomes.items(), key=lambda one: -one[1].total)
    for kind, count in ranked[: room.kinds]:
        bar = Text(blocks((count.total / whole) ** 0.5), KINDS.get(kind, "yellow"))
        grid.add_row(words(kind), total(count), rate(count), bar)
    letters = Count(
        total=sum(one.total for one in sight.dead_letters.values()),
        per_second=added(one.per_second for one in sight.dead_letters.values()),
    )
    style = "red" if letters.per_second else ""
    grid.add_row(Text("dead letters", style), total(letters), rate(letters), _first_reasons(sight))
    return Group(Text("What flows", "bold"), grid)


def _first_reasons(sight: Sight) -> Text:
    """Name the reasons of most dead letters."""
    ranked = sorted(sight.dead_letters.items(), key=lambda one: -one[1].total)
    return cut(", ".join(words(reason) for reason, _ in ranked[:2]), DIM)


def _lag(sight: Sight, room: Room) -> RenderableType:
    """Draw which partitions have most to do; in several workers, whose they are."""
    waiting = [one for one in sight.lag if one.lag]
    whole, most = sum(one.lag for one in waiting), max((one.lag for one in waiting), default=1)
    grid = columns("cut", "left", "right", "left", "cut")
    for one in waiting[: room.lags]:
        whose = one.worker.removeprefix("http://") if len(sight.workers) > 1 else ""
        bar = Text(blocks(one.lag / most), "cyan")
        grid.add_row(cut(one.topic), f"[{one.partition}]", f"{one.lag:,}", bar, cut(whose, DIM))
    more = len(waiting) - room.lags
    left = sum(worker.recovery_remaining for worker in sight.workers)
    said = f"  {counted(whole, 'record')} in {len(waiting)} of {counted(len(sight.lag), 'partition')}"
    title = Text.assemble(("What lags", "bold"), (said, DIM))
    parts: list[RenderableType] = [title, grid if waiting else Text("nothing waits to be worked off", DIM)]
    parts += [Text(f"and {more} more", DIM)] if more > 0 else []
    parts += [Text(f"recovery: {counted(left, 'changelog record')} to read", "yellow")] if left else []
    return Group(*parts)


def _waiting(sight: Sight) -> RenderableType:
    waits = sight.waiting
    said = Text.assemble(
        (f"{waits.retries:,}", "bold"),
        (" to send again · ", DIM),
        (f"{waits.suppressions:,}", "bold"),
        (" suppressed · ", DIM),
        (f"{waits.loops:,}", "bold"),
        (" in loops", DIM),
    )  # fmt: skip - a word and its style a piece
    paused = Text(f"paused streams: {', '.join(waits.paused)}", "red")
    return Group(Text("What waits", "bold"), said, *([paused] if waits.paused else []))


def _time(sight: Sight) -> RenderableType:
    """Draw how old a record is when its work is durable, how long chunks take, and on what."""
    grid = columns("left", "right", "right", "cut")
    grid.add_row(*(Text(word, DIM) for word in ("", "half", "95 %", "")))
    if sight.age is not None:
        age = cut("from arrival until durable", DIM)
        grid.add_row("records", seconds(sight.age.half_s), seconds(sight.age.most_s), age)
    for hop in sight.hops:
        chunk = hop.seconds
        grid.add_row(words(hop.hop), seconds(chunk.half_s), seconds(chunk.most_s), _steps(hop))
    idle = Text("nothing was worked off since the last look", DIM)
    return Group(Text("How long it takes", "bold"), grid if sight.age is not None or sight.hops else idle)


def _steps(hop: Hop) -> Text:
    """Name the chunks a second and the three steps that take most of their time."""
    whole = sum(hop.steps.values()) or 1.0
    steps = ", ".join(f"{step} {share / whole:.0%}" for step, share in list(hop.steps.items())[:3])
    return cut(f"{speed(hop.chunks_per_second)}: {steps}", DIM)


def unwell(sight: Sight) -> Iterator[str]:
    """Yield, a line each, which workers are not ready and why."""
    for worker in sight.workers:
        if not worker.ready:
            yield f"{worker.url}: {worker.state}: {'; '.join(worker.reasons)}"

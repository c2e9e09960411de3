"""The show on a terminal: one calm page, drawn anew several times a second, from one scene and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.demo.loop.page import block, way
from streams.demo.scene import Scene

KINDS = {
    "DELIVERED": "green",
    "OPENED": "cyan",
    "CLICKED": "cyan",
    "DELAYED": "yellow",
    "SOFT_BOUNCED": "yellow",
    "AUTO_REPLIED": "blue",
    "HARD_BOUNCED": "red",
    "UNSUBSCRIBED": "magenta",
    "COMPLAINED": "red",
    "REJECTED": "red",
    "RENDERING_FAILED": "red",
    "NOT_SPAM": "green",
}
"""Outcome kinds in the order in which they are shown, with their colours."""

REASONS = ("HARD_BOUNCE", "SES_LIST", "UNSUBSCRIBED", "COMPLAINT", "SUSPECTED_COMPLAINT", "SOFT_BOUNCES")
BOUNCE_LINES = (0.05, 0.10)
COMPLAINT_LINES = (0.001, 0.005)
"""Where SES reviews an account, and where it may pause it (SES developer guide, reputation dashboard)."""

WIDE = 12
LEFT = 42
TALL = 36
"""Terminals of fewer lines than this get a shorter page."""
LEAST_BAR = 0.5
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_DIM = "bright_black"


def words(symbol: str) -> str:
    """Return an enum's symbol as words: HARD_BOUNCED as `hard bounced`."""
    return symbol.replace("_", " ").lower()


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def page(scene: Scene, height: int = TALL) -> RenderableType:
    """Return the whole page; one of fewer lines for a terminal of a smaller *height*."""
    tall = height >= TALL
    parts: list[RenderableType] = [
        _head(scene),
        _flow(scene),
        *([] if scene.loop is None else [way(scene.loop, tall=tall)]),
        _progress(scene),
        _columns(scene, tall=tall),
        _foot(scene),
    ]
    spaced = [thing for part in parts for thing in (part, "")][:-1]
    return Padding(Group(*(spaced if tall else parts)), (1 if tall else 0, 2, 0, 2))


def line(scene: Scene) -> str:
    """Return the same in one line, for where there is no terminal."""
    lag = "" if scene.lag is None else f", lag {scene.lag:,}"
    loop = scene.loop
    looped = "" if loop is None else f", requests {loop.asked:,}/{loop.planned:,}, ended {loop.ends.total():,}"
    kills = f", kills {scene.kills}/{scene.kills_planned}" if scene.kills_planned else ""
    return (
        f"{clock(scene.elapsed)}  {scene.doing}: sends {scene.sends:,}, feedback {scene.events:,}, "
        f"outcomes {scene.outcomes:,}/{scene.due:,}, suppressed {scene.suppressed.total():,}, "
        f"dead letters {scene.letters}{looped}{lag}{kills}"
    )


def _head(scene: Scene) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    rest = f"its page: {scene.address}" if scene.address else "a mail day in a minute"
    title = Text.assemble(("ses-streams", "bold"), f"  {rest}")
    grid.add_row(title, Text(f"{scene.messages:,} mails · seed {scene.seed} · {clock(scene.elapsed)}", style=_DIM))
    return Group(grid, Rule(style=_DIM))


def _flow(scene: Scene) -> RenderableType:
    """Draw the way that records take, with how many have passed."""
    grid = Table.grid(padding=(0, 1))
    for width in (6, 7, 3, None):
        grid.add_column(no_wrap=True, min_width=width)
    arrow, joined = (" ▶ ", _DIM), Text.assemble("outcomes ", (f"{scene.outcomes:,}", "bold"))
    forks = Text.assemble(("└ dead letters ", _DIM), f"{scene.letters}")
    forks.pad_right(len(f"by message ▶ {joined.plain} ▶ ") - len(forks))
    forks.append_text(Text.assemble(("└▶ ", _DIM), "suppressed ", (f"{scene.suppressed.total():,}", "bold")))
    grid.add_row("sends", Text(f"{scene.sends:>7,}", "bold"), Text("─┐", _DIM), "")
    grid.add_row("", "", Text(" ├▶", _DIM), Text.assemble("by message", arrow, joined, arrow, "by recipient"))
    grid.add_row("events", Text(f"{scene.events:>7,}", "bold"), Text("─┘", _DIM), forks)
    return grid


def _progress(scene: Scene) -> RenderableType:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(width=8)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", min_width=34)
    rate = Text.assemble((f"{scene.fed_rate:,.0f}", "bold"), (" records/s handed in", _DIM))
    grid.add_row("the day", _bar(scene.part, 1.0), rate)
    lag = "" if scene.lag is None else f", {scene.lag:,} waiting"
    done = Text.assemble((f"{scene.work_rate:,.0f}", "bold"), (f" records/s joined{lag}", _DIM))
    grid.add_row("outcomes", _bar(scene.outcomes, scene.due), done)
    if scene.loop is not None:
        ended, due = scene.loop.ends.total(), scene.loop.due
        at_end = Text.assemble((f"{ended:,}", "bold"), (f" of {due:,} at their end", _DIM))
        grid.add_row("requests", _bar(ended, due), at_end)
    return grid


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=total or 1.0, completed=min(done, total), complete_style="cyan", finished_style="green")


def _columns(scene: Scene, *, tall: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 3), expand=True)
    grid.add_column(width=LEFT)
    grid.add_column(ratio=1)
    right: list[RenderableType] = [_reputation(scene), _suppressed(scene)]
    if tall:
        right = [right[0], "", right[1], "", *_latest(scene)]
    left = [_kinds(scene)]
    if tall and scene.loop is not None:
        left += ["", block(scene.loop)]
    grid.add_row(Group(*left), Group(*right))
    return grid


def _kinds(scene: Scene) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    for kind, colour in KINDS.items():
        count = scene.kinds[kind]
        share = count / scene.sends if scene.sends else 0.0
        style = "" if count else _DIM
        shown = Text(f"{share:.1%}" if share >= LEAST_BAR / 100 else f"{share:.2%}", style=_DIM)
        grid.add_row(Text(words(kind), style), Text(f"{count:,}", style), shown, Text(blocks(share**0.5), colour))
    return Group(_title("What became of the mail"), grid)


def _reputation(scene: Scene) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for width in (10, 6, WIDE, None):
        grid.add_column(no_wrap=True, min_width=width)
    grid.add_row("bounces", *gauge(scene.bounces, *BOUNCE_LINES))
    grid.add_row("complaints", *gauge(scene.complaints, *COMPLAINT_LINES))
    lines = Text.assemble(("  SES ", _DIM), ("reviews", "yellow"), (" and ", _DIM), ("pauses", "red"), (" at", _DIM))
    title = _title("Reputation") + lines
    title.no_wrap, title.overflow = True, "ellipsis"
    return Group(title, grid)


def gauge(share: float, review: float, pause: float) -> Iterable[Text]:
    """Draw a share on a scale that ends beyond the line at which SES may pause an account."""
    colour = "green" if share < review else "yellow" if share < pause else "red"
    end = pause * 1.2
    cells = [("━", colour) if n < share / end * WIDE else ("─", _DIM) for n in range(WIDE)]
    for at, mark in ((review, "yellow"), (pause, "red")):
        cells[min(WIDE - 1, int(at / end * WIDE))] = ("┃", mark)
    yield Text(f"{share:>6.2%}", style=f"bold {colour}")
    yield Text.assemble(*cells)
    yield Text.assemble((f"{review:.1%} ".replace(".0%", "%"), "yellow"), (f"{pause:.1%}".replace(".0%", "%"), "red"))


def _suppressed(scene: Scene) -> RenderableType:
    most = max(scene.suppressed.values(), default=0) or 1
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, min_width=4)
    grid.add_column(no_wrap=True)
    for reason in _reasons(scene.suppressed):
        count = scene.suppressed[reason]
        grid.add_row(words(reason), f"{count:,}", Text(blocks((count / most) ** 0.5), "red"))
    return Group(_title("Not to be written to"), grid)


def _reasons(found: Counter[str]) -> list[str]:
    return [*REASONS, *sorted(found.keys() - set(REASONS))]


def _latest(scene: Scene) -> Iterable[Text]:
    """Name the last few; the people of a demo day are invented, so their addresses may be shown."""
    for record in reversed(scene.latest):
        yield Text.assemble(
            (f"{words(record['reason'])}: ", _DIM), record["recipient"], overflow="ellipsis", no_wrap=True
        )


def _foot(scene: Scene) -> RenderableType:
    said = [scene.doing, scene.worker]
    if scene.kills_planned:
        said.append(f"killed {scene.kills} of {scene.kills_planned} times")
    said += [f"{scene.duplicates:,} events came twice", f"{scene.unmatched:,} of unknown mails"]
    said.append("" if scene.over else "Ctrl-C ends it")
    return Text(" · ".join(s for s in said if s), style=_DIM, overflow="ellipsis", no_wrap=True)


def _title(text: str) -> Text:
    return Text(text, style="bold")


def blocks(share: float) -> str:
    """Return a bar of eighths of a block for a share of the full width."""
    eighths = round(min(1.0, share) * WIDE * 8)
    if share > 0:
        eighths = max(1, eighths)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()

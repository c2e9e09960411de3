"""The closed loop on the show's page: one line for the way that mail takes, and a block for how requests have ended."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.demo.loop.tales import End
from streams.demo.scene import LoopScene

COLOURS = {
    End.DELIVERED: "green",
    End.BOUNCED: "red",
    End.COMPLAINED: "red",
    End.REJECTED: "red",
    End.FAILED: "red",
    End.SUPPRESSED: "magenta",
    End.LOOPING: "blue",
    End.EXPIRED: "yellow",
    End.WAITING: "yellow",
}
_DIM = "bright_black"


def way(loop: LoopScene, *, tall: bool) -> Text:
    """Return one line: requests in, mails out, and what comes back to the events; on a short page what waits, too."""
    arrow = (" ▶ ", _DIM)
    requests, mails = (f"{loop.asked:,}", "bold"), (f"{loop.mails:,}", "bold")
    if tall:
        via = Text.assemble(arrow, "dispatch", arrow, "mails ", mails, arrow, "a simulated SES", arrow, "events")
    else:
        via = Text.assemble(arrow, "mails ", mails, arrow, "SES", arrow, "events", (" · ", _DIM), rest(loop))
    said = Text.assemble("requests ", requests, via)
    said.no_wrap, said.overflow = True, "ellipsis"
    return said


def block(loop: LoopScene) -> RenderableType:
    """Return how requests have ended, three ends a line, and what waits."""
    table = Table.grid(padding=(0, 1))
    for _ in range(3):
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True, min_width=3)
    cells = [_cell(end, loop.ends[end.value]) for end in End]
    for row in range(0, len(cells), 3):
        table.add_row(*(part for cell in cells[row : row + 3] for part in cell))
    return Group(Text("How the requests ended", style="bold"), table, rest(loop))


def rest(loop: LoopScene) -> Text:
    """Return in one line what waits, and what was noticed."""
    waiting, loops = (f"{loop.waiting:,}", "bold"), (f"{loop.loops:,}", "bold")
    return Text.assemble(waiting, (" retries wait · ", _DIM), loops, (" loops flagged", _DIM))


def _cell(end: End, count: int) -> tuple[Text, Text]:
    style = "" if count else _DIM
    return Text(end.value, COLOURS[end] if count else _DIM), Text(f"{count:,}", style)

"""How an operator's commands show things: a record as a line of JSON, rows as a table, a bar while they work.

Records go to stdout, words and bars to stderr. On a terminal a table is as wide as that; into a pipe each row is one
line, whatever its length, so that grep finds whole rows. Nothing here decides what is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from streams.mail.time import is_time
from streams.schemas.plain import to_plain

_ROWS_AT_ONCE = 500
_NARROWEST = 12  # a column whose words may be broken keeps so much, or its own width where that is less


class Head(NamedTuple):
    """A column: its title, and whether its words may be broken into lines where the terminal is narrow."""

    title: str
    breaks: bool = False


def json_line(name: str, record: Mapping[str, Any]) -> str:
    """Return a record of schema *name* as one line: `{"mail.Pause": {...}}`."""
    return orjson.dumps({name: to_plain(name, record)}).decode() + "\n"


def say(name: str, record: Mapping[str, Any]) -> None:
    """Print a record as one line of JSON."""
    sys.stdout.write(json_line(name, record))


def people(words: str) -> None:
    """Say something to people, on stderr."""
    sys.stderr.write(words + "\n")


def minute(at: int | None, none: str = "for good") -> str:
    """Return a time for people, to the minute, in UTC; *none* where there is no time."""
    return _written(at, none, "%Y-%m-%d %H:%MZ")


def day(at: int | None, none: str = "for good") -> str:
    """Return a time for people as its day, in UTC; *none* where there is no time."""
    return _written(at, none, "%Y-%m-%d")


def _written(at: int | None, none: str, form: str) -> str:
    if at is None:
        return none
    return datetime.fromtimestamp(at / 1000, UTC).strftime(form) if is_time(at) else str(at)


def harmless(words: str) -> str:
    """Return words that a terminal only shows: what SES and others write may hold what it would obey."""
    return (
        words
        if words.isprintable()
        else "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)
    )


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return `1 record`, `1,234 records`."""
    return f"{number:,} {one if number == 1 else f'{one}s' if many is None else many}"


def print_table(heads: Sequence[Head], rows: Iterable[Sequence[str]]) -> int:
    """Print rows aligned below their heads, some hundred at a time; return how many there were.

    Nothing is printed where there is no row: what to say then is for the caller.
    """
    left, count, widths = iter(rows), 0, [cell_len(head.title) for head in heads]
    while some := [[harmless(cell) for cell in row] for row in islice(left, _ROWS_AT_ONCE)]:
        widths = [
            max(width, *map(cell_len, cells)) for width, cells in zip(widths, zip(*some, strict=True), strict=True)
        ]
        if sys.stdout.isatty():
            _print_fitted(heads, some, widths, headed=not count)
        else:
            _print_whole(some if count else [[head.title for head in heads], *some], widths)
        count += len(some)
    return count


def _print_whole(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> None:
    """Print rows as they are, for programs; rich would take a thousand times as long for what it does not do here."""
    for row in rows:
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _print_fitted(heads: Sequence[Head], rows: Sequence[Sequence[str]], widths: Sequence[int], *, headed: bool) -> None:
    """Print rows as wide as the terminal is, for people."""
    table = Table(*_columns(heads, widths), box=None, pad_edge=False, header_style="bold", show_header=headed)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def _columns(heads: Sequence[Head], widths: Sequence[int]) -> Iterator[Column]:
    """Yield the columns, so wide that what comes later lies below what came first."""
    for head, width in zip(heads, widths, strict=True):
        narrowest = min(width, _NARROWEST) if head.breaks else width
        yield Column(head.title, no_wrap=not head.breaks, overflow="fold", min_width=narrowest)


class Bar:
    """A bar on stderr, gone when the work is done; by itself only on a terminal."""

    def __init__(self, words: str, *, shown: bool | None = None) -> None:
        """Show *words* beside it if *shown*, not if False; None shows it on a terminal."""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True, force_terminal=True if shown else None),
            transient=True,
            redirect_stdout=False,  # or what is printed would land beside the bar, on stderr
            redirect_stderr=False,
            disable=not (sys.stderr.isatty() if shown is None else shown),
        )
        self._task = self._bar.add_task(words, total=None)

    def told(self, done: int, of: int | None) -> None:
        """Show how far it is."""
        self._bar.update(self._task, completed=done, total=of or None)

    def __enter__(self) -> Self:
        """Draw it."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Take it away."""
        self._bar.stop()

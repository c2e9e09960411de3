"""What `ses-streams ingest` shows: a record as JSON or as words, the bar while it reads, and the sum at the end."""

from __future__ import annotations

import sys
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from streams.emit.records import scrub_path
from streams.schemas.plain import to_plain

if TYPE_CHECKING:
    from streams.intake.post import Named
    from streams.intake.sources import Reading

Counts = Counter[tuple[str, str]]
"""("feedback", kind), ("records", schema) or ("dead", reason) to how many."""

_STEP = 256
_MB = 1e6
_NAMED_FILES = 5


def as_json(found: Named, source: str) -> str:
    """Return a record and where it came from as one JSON object."""
    return orjson.dumps({found.name: to_plain(found.name, found.record), "from": source}).decode()


def as_words(found: Named, source: str) -> str:
    """Return a record as a line for people."""
    record = to_plain(found.name, found.record)
    match found.name:
        case "mail.Feedback":
            who = ", ".join(recipient["address"] for recipient in record["recipients"]) or "-"
            said = "/".join(word for word in _types(record) if word)
            words = f"{record['kind']:<18} {record['occurred_at']}  {who:<36} {said}"
        case "mail.Send":
            words = f"{'(a send)':<18} {record['sent_at']}  {', '.join(record['recipients'])}"
        case _:
            words = f"{'(dead letter)':<18} {record['reason']}: {record['detail']}"
    return f"{words.rstrip()}  [{source}]"


def _types(record: dict[str, Any]) -> tuple[str | None, ...]:
    """Return what SES calls the event, beyond its kind."""
    return (
        record["bounce_type"],
        record["bounce_subtype"],
        record["complaint_type"],
        record["complaint_subtype"],
        record["delay_type"],
        record["reason"],
    )


class Screen:
    """A bar on stderr: bytes read of all bytes, and what came of them."""

    def __init__(self, reading: Reading, counts: Counts, *, shown: bool | None) -> None:
        """Show it if *shown*, not if False; None shows it on a terminal."""
        self._reading = reading
        self._counts = counts
        self._items = 0
        self.is_shown = sys.stderr.isatty() if shown is None else shown
        self._bar = Progress(
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True),
            expand=True,
            console=Console(stderr=True, force_terminal=True if shown else None),
            redirect_stdout=False,  # or what is printed would land beside the bar, on stderr
            redirect_stderr=False,
            disable=not self.is_shown,
        )
        self._task = self._bar.add_task("", total=None)

    def step(self, group: str, word: str) -> None:
        """Count one item; draw now and then."""
        self._counts[group, word] += 1
        self._items += 1
        if self._items % _STEP == 0:
            self._draw()

    def _draw(self) -> None:
        """Show how far it is."""
        total, done = self._reading.total_bytes or None, self._reading.done_bytes
        dead, events = _sum(self._counts, "dead"), _sum(self._counts, "feedback")
        of = "" if total is None else f" of {total / _MB:,.1f}"
        words = f"{done / _MB:,.1f}{of} MB: {events:,} events, {dead:,} dead letters"
        self._bar.update(self._task, total=total, completed=done, description=words)

    def __enter__(self) -> Self:
        """Draw the bar."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Leave the bar as it stands."""
        self._draw()
        self._bar.stop()


def summary_json(reading: Reading, counts: Counts) -> str:
    """Return the sum as one JSON object."""
    return orjson.dumps(
        {
            "summary": {
                "files": reading.files,
                "bytes": reading.done_bytes,
                "feedback": _by(counts, "feedback"),
                "records": _by(counts, "records"),
                "dead_letters": _by(counts, "dead"),
                "no_events": reading.no_events,
                "passed_over": len(reading.passed_over),
                "known": reading.known,
                "unread": len(reading.unread),
            }
        }
    ).decode()


def summary_words(reading: Reading, counts: Counts, *, dry_run: bool) -> str:
    """Return the sum for people."""
    done = "would publish" if dry_run else "published, acknowledged"
    lines = [
        f"{reading.files:,} {'file' if reading.files == 1 else 'files'}, {reading.done_bytes:,} bytes read; {done}:",
        *_lines(counts, "feedback", "feedback"),
        *_lines(counts, "records", "other records"),
        *_lines(counts, "dead", "dead letters"),
        f"  {'left out, no events':<20} {reading.no_events:>9,}",
    ]
    if reading.known:
        lines.append(f"  {'read before':<20} {reading.known:>9,}")
    return "\n".join(lines) + "\n"


def passed_over_words(reading: Reading) -> str:
    """Return which files of a directory were not read; nothing where all were."""
    if not reading.passed_over:
        return ""
    some = ", ".join(map(scrub_path, reading.passed_over[:_NAMED_FILES]))
    more = ", ..." if len(reading.passed_over) > _NAMED_FILES else ""
    return f"passed over {len(reading.passed_over):,} that by their names are no event files: {some}{more}\n"


def unread_words(reading: Reading) -> str:
    """Return which files could not be read, and why; nothing where all could."""
    return "".join(f"not read: {scrub_path(name)}: {why}\n" for name, why in reading.unread)


def _lines(counts: Counts, group: str, title: str) -> list[str]:
    """Return one line for a group, and its parts."""
    total = _sum(counts, group)
    parts = ", ".join(f"{word} {count:,}" for word, count in _by(counts, group).items())
    return [f"  {title:<20} {total:>9,}" + (f"   {parts}" if parts else "")] if total or group == "feedback" else []


def _by(counts: Counts, group: str) -> dict[str, int]:
    """Return the parts of a group, the largest first."""
    return {word: count for (name, word), count in counts.most_common() if name == group}


def _sum(counts: Counts, group: str) -> int:
    """Return how many there are of a group."""
    return sum(count for (name, _), count in counts.items() if name == group)

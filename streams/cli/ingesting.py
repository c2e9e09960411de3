"""What `ses-streams ingest` does: read, hand over or print, and add up.

Its words are in ingest.py, its looks in ingest_view.py; how an event is read is no business of the command line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from streams.cli.ingest_view import (
    Counts,
    Screen,
    as_json,
    as_words,
    passed_over_words,
    summary_json,
    summary_words,
    unread_words,
)
from streams.cli.progress import Progress
from streams.emit.codec import codec_of
from streams.emit.publish import Publisher
from streams.emit.ready import ready_publisher
from streams.intake.files import Item, read_files
from streams.intake.post import POSTED, Named, address, named
from streams.intake.sources import Reading, is_elsewhere
from streams.intake.unsubscribes import unsubscribes_of
from streams.schemas.codec import Codec
from streams.settings import Settings, load_settings
from streams.topics import topic_name

if TYPE_CHECKING:
    from streams.inlets.objects.files import S3Files  # half a second of imports, for those who ask S3

WINDOW = 10_000
"""How many records are handed to the brokers before all of them must be acknowledged."""

RECORDS = POSTED.keys() - {"mail.DeadLetter"}
"""The records that a file may hold beside SES's events."""


class Sink(Protocol):
    """Where records go."""

    def take(self, found: Named, source: str, /) -> None:
        """Take one record that came from *source*."""

    def finish(self) -> None:
        """Return once everything taken is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How to read, as the command's options say."""

    dry_run: bool
    json: bool
    brokers: str | None
    progress: bool | None
    resume: Path | None
    rate: float | None


def run(files: Sequence[str], ways: Ways) -> bool:
    """Read all of *files*; see the command's help for the rest. Tell whether each of them could be read."""
    reading, counts, settings = Reading(), Counts(), load_settings(brokers=ways.brokers)
    sink: Sink = Printing(json=ways.json) if ways.dry_run else _publishing(settings)
    noted = None if ways.resume is None else Progress(ways.resume, sink.finish)
    overwritten = ways.dry_run and sys.stdout.isatty()  # the bar and the records would write over one another
    with ExitStack() as open_now:
        elsewhere = _elsewhere(files, settings, noted, open_now)
        screen = open_now.enter_context(Screen(reading, counts, shown=False if overwritten else ways.progress))
        if elsewhere is not None and screen.is_shown:
            reading.total_bytes += sum(elsewhere.total(name) for name in files if is_elsewhere(name))
        pace = Pace(ways.rate)
        now = time.time_ns() // 1_000_000
        find = None if elsewhere is None else elsewhere.find
        leaving = unsubscribes_of(settings.unsubscribe)
        for item in read_files(
            files, at=now, records=RECORDS, reading=reading, elsewhere=find, known=noted, unsubscribes=leaving
        ):
            screen.step(*_take(item, sink))
            pace.keep()
        (sink.finish if noted is None else noted.note)()
    if ways.json and not ways.dry_run:
        sys.stdout.write(summary_json(reading, counts) + "\n")
    else:
        sys.stderr.write(summary_words(reading, counts, dry_run=ways.dry_run))
    sys.stderr.write(passed_over_words(reading) + unread_words(reading))
    return not reading.unread


class Pace:
    """Keeps to so many records a second; none is made up for later."""

    def __init__(self, rate: float | None) -> None:
        """Keep to *rate*; None is as fast as it goes."""
        self._gap = 0.0 if rate is None else 1 / rate
        self._next = 0.0

    def keep(self) -> None:
        """Return when the next record may follow."""
        if self._gap:
            now = time.monotonic()
            self._next = max(self._next, now) + self._gap
            time.sleep(self._next - now)


def _elsewhere(files: Sequence[str], settings: Settings, noted: Progress | None, open_now: ExitStack) -> S3Files | None:
    """Return S3, where any of *files* lies there."""
    if not any(is_elsewhere(name) for name in files):
        return None
    from streams.inlets.objects.files import S3Files

    objects = settings.intake.objects
    return open_now.enter_context(S3Files(objects) if noted is None else S3Files(objects, noted.knows))


def _take(item: Item, sink: Sink) -> tuple[str, str]:
    """Hand one item over; return what it counts as."""
    found = named(item)
    sink.take(found, item.source)
    if item.dead is not None:
        return "dead", item.dead.reason.value
    return ("feedback", str(found.record["kind"])) if found.name == "mail.Feedback" else ("records", found.name)


class Printing:
    """Prints each record instead of publishing it."""

    def __init__(self, *, json: bool) -> None:
        """Print JSON, or words."""
        self._show = as_json if json else as_words

    def take(self, found: Named, source: str, /) -> None:
        """Print one record."""
        sys.stdout.write(self._show(found, source) + "\n")

    def finish(self) -> None:
        """Let the last lines out."""
        sys.stdout.flush()


class Publishing:
    """Publishes each record, and waits for the brokers once a window."""

    def __init__(self, publisher: Publisher, codec: Codec, prefix: str) -> None:
        """Publish to the topics that begin with *prefix*."""
        self._publisher = publisher
        self._topics = {role: topic_name(prefix, role) for role in POSTED.values()}
        self._codec = codec
        self._open = 0

    def take(self, found: Named, _source: str, /) -> None:
        """Publish one record."""
        post = address(found, self._codec)
        self._publisher.publish(self._topics[post.role], post.key, post.value)
        self._open += 1
        if self._open >= WINDOW:
            self.finish()

    def finish(self) -> None:
        """Wait until every record is acknowledged."""
        self._publisher.flush()
        self._open = 0


def _publishing(settings: Settings) -> Publishing:
    """Connect, and see to it that the topics are there: a topic that a broker makes by itself is the wrong one."""
    names = {topic_name(settings.topic_prefix, role) for role in POSTED.values()}
    return Publishing(ready_publisher(settings, names), codec_of(settings), settings.topic_prefix)

"""What `ses-streams ingest` does: read, hand over or print, and add up.

Its words are in ingest.py, its looks in ingest_view.py; how an event is read is no business of the command line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from streams.cli.ingest_view import Counts, Screen, as_json, as_words, passed_over_words, summary_json, summary_words
from streams.emit.codec import codec_of
from streams.emit.publish import Publisher
from streams.emit.ready import ready_publisher
from streams.intake.files import Item, read_files
from streams.intake.post import POSTED, Named, address, named
from streams.intake.sources import Reading
from streams.schemas.codec import Codec
from streams.settings import Settings, load_settings
from streams.topics import topic_name

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


def run(files: Sequence[str], *, dry_run: bool, json: bool, brokers: str | None, progress: bool | None) -> None:
    """Read all of *files*; see the command's help for the rest."""
    reading, counts = Reading(), Counts()
    sink: Sink = Printing(json=json) if dry_run else _publishing(load_settings(brokers=brokers))
    overwritten = dry_run and sys.stdout.isatty()  # the bar and the records would write over one another
    now = time.time_ns() // 1_000_000
    with Screen(reading, counts, shown=False if overwritten else progress) as screen:
        for item in read_files(files, at=now, records=RECORDS, reading=reading):
            screen.step(*_take(item, sink))
        sink.finish()
    if json and not dry_run:
        sys.stdout.write(summary_json(reading, counts) + "\n")
    else:
        sys.stderr.write(summary_words(reading, counts, dry_run=dry_run))
    sys.stderr.write(passed_over_words(reading))


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

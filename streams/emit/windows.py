"""Looks for records on the topics without reading all of them: by the partition of a key, near times that are known.

First close to these times, then wider as long as that is not enough; or *deep*, all that the partition holds. Never for
longer, nor more records, than is allowed: what is not found then is said to be not found. It waits for brokers, so a
worker has it done on a thread. Nobody else's reading is disturbed, and nothing is committed (see topic.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import inf
from types import TracebackType
from typing import NamedTuple, Self

from confluent_kafka import KafkaException, TopicPartition

from streams.emit.topic import ANSWER_S, Row, Told, Topic
from streams.errors import WorldFailed
from streams.mail.found import Found, Want
from streams.partition import partitions
from streams.settings import Settings
from streams.topics import changelog_name

SECONDS = 10.0
RECORDS = 1_000_000
"""How long an answer may look, and at how many records, unless it is to look deep."""

CLOSE, WIDE = (30_000, 10_000), (15 * 60_000, 60_000)
"""So long before and after a time (ms): an event comes to its topic before a worker hears it, and after it happened."""

MOST_SPANS = 16
_BITE, _WAIT_S = 5_000, 0.1


OPEN = 1 << 62
"""In place of an end: up to the partition's own, which the embedded broker lists too early (see topic.py)."""


class Span(NamedTuple):
    """A part of a partition: from an offset up to another, or up to what came after a time (ms)."""

    partition: int
    begin: int
    end: int
    until: float = inf


class Windows:
    """Looks for records; use it in a ``with``."""

    def __init__(
        self,
        settings: Settings,
        *,
        deep: bool = False,
        seconds: float = SECONDS,
        records: int = RECORDS,
        told: Told | None = None,
    ) -> None:
        """Take where to look; *told* hears how far a deep look is."""
        self._settings, self._deep, self._told = settings, deep, told
        self._seconds, self._left = (float("inf"), float("inf")) if deep else (seconds, float(records))
        self._topics: dict[str, _Reader] = {}
        self._open = ExitStack()
        self._until = 0.0

    def __enter__(self) -> Self:
        """Begin; the time counts from now."""
        self._until = time.monotonic() + self._seconds
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Let go of the brokers."""
        self._open.close()

    def find(self, want: Want, enough: Callable[[Sequence[Found]], bool]) -> list[Found]:
        """Return what was found, in the order in which it lies; wider as long as it is not *enough*.

        Raises:
            WorldFailed: there is no such topic, or the brokers refuse or fall silent.

        """
        found: dict[tuple[int, int], Found] = {}
        if not self._deep and not want.times:
            return []
        reader = self._reader(want.topic)
        for spans in reader.spans(want, deep=self._deep):
            for row in self._rows(reader, spans):
                if want.fits(row.key, row.value):
                    one = Found(want.topic, row.partition, row.offset, max(row.at, 0), row.key, row.value)
                    found[row.partition, row.offset] = one
            if enough(list(found.values())) or self._is_over():
                break
        return [found[place] for place in sorted(found)]

    def stored(self, table: str, key: bytes) -> bytes | None:
        """Return what a table holds under *key* by its changelog, of which a whole partition is read.

        Raises:
            WorldFailed: as `find` does.

        """
        name, last = changelog_name(self._settings.group, table), None
        with _Reader(self._settings, table, name=name) as reader:
            (span,) = next(reader.spans(Want(table, key, key, ()), deep=True))
            for rows in reader.read(span):
                last = next((row for row in reversed(rows) if row.key == key), last)
                if self._told is not None and rows:
                    self._told(rows[-1].offset - span.begin, reader.size([span]))
        return None if last is None else last.value

    def _reader(self, role: str) -> _Reader:
        """Return the reader of a topic; connected once."""
        if role not in self._topics:
            self._topics[role] = self._open.enter_context(_Reader(self._settings, role))
        return self._topics[role]

    def _rows(self, reader: _Reader, spans: Sequence[Span]) -> Iterator[Row]:
        """Yield the records of some spans, as long as there is time."""
        size, done = reader.size(spans), 0
        for span in spans:
            for rows in reader.read(span):
                yield from rows
                done += len(rows)
                self._left -= len(rows)
                if self._deep and self._told is not None:
                    self._told(done, size)
                if self._is_over():
                    return

    def _is_over(self) -> bool:
        return self._left <= 0 or time.monotonic() > self._until


class _Reader(Topic):
    """A topic of which parts are read."""

    def spans(self, want: Want, *, deep: bool) -> Iterator[list[Span]]:
        """Yield what to read, and what to read where that was not enough."""
        self._look()
        count = len(self._ends)
        numbers = range(count) if want.key is None else partitions([want.key], count)
        if deep:
            yield [Span(number, self._starts[number], OPEN) for number in numbers]
            return
        for before, after in (CLOSE, WIDE):
            times = _merged([(at - before, at + after) for at in want.times])[:MOST_SPANS]
            yield [span for begin, end in times for span in self._between(numbers, begin, end)]

    def size(self, spans: Sequence[Span]) -> int:
        """Return how many records some parts hold, as far as offsets tell."""
        return sum(max(0, min(span.end, self._ends[span.partition]) - span.begin) for span in spans)

    def _between(self, numbers: Sequence[int], begin: int, end: int) -> Iterator[Span]:
        """Yield the part of each partition that came between two times."""
        for number, first, last in zip(numbers, self._at(numbers, begin), self._at(numbers, end), strict=True):
            if first >= 0:
                # Where nothing came after the end, brokers say -1 and the embedded one 0: then time must tell.
                yield Span(number, first, last if last > first else OPEN, end)

    def _at(self, numbers: Sequence[int], at: int) -> list[int]:
        """Return of each partition the first offset at a time or later; below 0 where there is none."""
        asked = [TopicPartition(self.name, number, max(at, 0)) for number in numbers]
        try:
            found = {one.partition: one.offset for one in self._consumer.offsets_for_times(asked, timeout=ANSWER_S)}
        except KafkaException as error:
            raise WorldFailed(f"brokers {self._brokers}: {self._told(error)}") from error
        return [found[number] for number in numbers]

    def read(self, span: Span) -> Iterator[list[Row]]:
        """Yield the records of a part, a handful at a time."""
        self._consumer.assign([TopicPartition(self.name, span.partition, span.begin)])
        left, met, heard = {span.partition}, {span.partition: span.begin}, time.monotonic()
        while left and met[span.partition] < span.end:
            messages = self._consumer.consume(_BITE, _WAIT_S)
            heard = time.monotonic() if messages else self._still_patient(heard, span.partition, met)
            rows = [row for message in messages if (row := self._row(message, left, met)) is not None]
            yield [row for row in rows if row.offset < span.end and row.at <= span.until]
            if rows and rows[-1].at > span.until:
                return


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans of time with those in one that touch, the first first."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged

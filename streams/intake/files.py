"""From files to feedback, item by item: what `ingest` publishes and `replay` plays.

Each item of a file is SES events in any envelope, or a record as we print it (`{"mail.Send": {...}}`); a file may also
be one raw mail that we received, as S3 keeps it. What cannot be used comes out as a dead letter with its own bytes and
line, and the rest of the file goes on. The time at which a dead letter was given up is an argument, so that a replay of
the same files says the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from streams.emit.records import scrub, scrub_path
from streams.errors import Unusable
from streams.intake.bodies import MAX_MAIL_BYTES
from streams.intake.contents import Bytes
from streams.intake.envelope import Letter, Torn, open_envelopes
from streams.intake.parts import MAX_EVENT_BYTES, Refused, read_part, too_large
from streams.intake.received import read_mail
from streams.intake.sources import Elsewhere, Reading, Source, Unread, find_sources, is_elsewhere
from streams.intake.split import CHUNK, Piece, Splitter
from streams.intake.unsubscribes import Unsubscribes
from streams.mail.deadletter import DeadLetter, DeadReason, Stage
from streams.mail.feedback import Feedback
from streams.schemas.plain import from_plain

MAX_RECORD_BYTES = 900_000
"""A record is never longer in Avro than in JSON."""

RECORDS = frozenset({"mail.Send", "mail.SendRequest", "mail.Feedback", "mail.Outcome"})
_ASIDE = frozenset({"from"})  # what our own output says beside a record


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What came of one item: exactly one of *feedback*, *record* (name, record) and *dead*; *source* is FILE:LINE."""

    source: str
    feedback: Feedback | None = None
    record: tuple[str, dict[str, Any]] | None = None
    dead: DeadLetter | None = None


class Known(Protocol):
    """Knows sources that were read before."""

    def knows(self, source: Source, /) -> bool:
        """Tell whether *source* need not be read again."""

    def finished(self, source: Source, /) -> None:
        """Take down that all of *source* has been handed out."""


def read_files(  # noqa: PLR0913 - each is a choice of its own, and has a name and a default
    paths: Sequence[str | Path],
    *,
    at: int = 0,
    limit: int = MAX_EVENT_BYTES,
    records: Collection[str] = RECORDS,
    reading: Reading | None = None,
    elsewhere: Elsewhere | None = None,
    known: Known | None = None,
    unsubscribes: Unsubscribes | None = None,
) -> Iterator[Item]:
    """Yield what files, directories and `-` (standard input) hold, in order.

    Args:
        paths: directories are walked in order of name.
        at: when a dead letter is given up, and when a raw mail came that has no time itself; ms since the epoch.
        limit: the largest event, in bytes.
        records: which records count; others are not known here.
        reading: told how far it has come.
        elsewhere: finds what `s3://...` means; without it that is a path.
        known: knows what was read before, and is told what has been read now.
        unsubscribes: how to read mail from people who leave; without it there is none.

    Raises:
        WorldFailed: a file is not there or cannot be read.

    """
    progress = Reading() if reading is None else reading
    for source in find_sources(paths, progress, elsewhere):
        if known is not None and known.knows(source):
            progress.known += 1
            progress.done_bytes += source.size or 0
            continue
        progress.files += 1
        try:
            yield from read_source(source, progress, at=at, limit=limit, records=records, unsubscribes=unsubscribes)
        except Unread as why:
            progress.unread.append((source.name, str(why)))
        else:
            if known is not None:
                known.finished(source)


def read_source(  # noqa: PLR0913 - as read_files
    source: Source,
    reading: Reading,
    *,
    at: int,
    limit: int = MAX_EVENT_BYTES,
    records: Collection[str] = (),
    unsubscribes: Unsubscribes | None = None,
) -> Iterator[Item]:
    """Yield what one source holds; the arguments are those of `read_files`.

    Raises:
        Unread: it cannot be read, or not to its end.
        WorldFailed: what it lies on failed us.

    """
    yield from _File(source, reading, at, limit, records, unsubscribes).items()


class _File:
    """One file being read."""

    def __init__(  # noqa: PLR0913, PLR0917 - as read_files
        self,
        source: Source,
        reading: Reading,
        at: int,
        limit: int,
        records: Collection[str],
        unsubscribes: Unsubscribes | None,
    ) -> None:
        """Keep what its items have in common."""
        self._records = records
        self._source = source
        self._reading = reading
        self._at = at
        self._limit = limit
        self._unsubscribes = unsubscribes

    def items(self) -> Iterator[Item]:
        """Yield what came of each item; a file that breaks off ends with a dead letter."""
        line = 1
        with closing(Bytes(self._source, self._reading)) as stream:
            if stream.is_mail():
                yield from self._mail(stream)
            else:
                for piece in Splitter(stream.read, keep=self._limit):
                    line = piece.line
                    yield from self._piece(piece)
            if stream.fault is not None:
                yield self._dead(line, stream.fault, None)

    def _mail(self, stream: Bytes) -> Iterator[Item]:
        """Yield what a raw mail says, if that is an event; what stands behind its beginning is not read."""
        start = b""
        while len(start) < MAX_MAIL_BYTES and (part := stream.read(CHUNK)):
            start += part
        stream.rest()
        feedback = read_mail(start[:MAX_MAIL_BYTES], self._at, self._unsubscribes)
        if feedback is not None:
            yield Item(source=self._from(1), feedback=feedback)
        elif stream.fault is None:
            self._reading.no_events += 1

    def _piece(self, piece: Piece) -> Iterator[Item]:
        """Yield what came of one piece: nothing, one item, or one for each event of a batch."""
        if (name := _record_name(piece.value)) in self._records and name is not None:
            yield self._record(piece, name)
            return
        found = open_envelopes(piece.data, piece.value)
        if not found:
            self._reading.no_events += 1
        for part in found:
            item = self._part(piece, part, alone=len(found) == 1)
            if item is None:
                self._reading.no_events += 1
            else:
                yield item

    def _record(self, piece: Piece, name: str) -> Item:
        """Return a record that was printed before."""
        if piece.size > MAX_RECORD_BYTES:
            refused = too_large(piece.data, piece.size, self._limit)
            return self._dead(piece.line, refused.why, refused.value)
        try:
            return Item(source=self._from(piece.line), record=(name, from_plain(name, piece.value[name])))
        except Unusable as why:
            return self._dead(piece.line, why, piece.data)

    def _part(self, piece: Piece, part: Letter | Torn, *, alone: bool) -> Item | None:
        """Return one event, or the dead letter of what should have been one; None for mail that is no event."""
        if isinstance(part, Torn) and piece.why is not None:
            part = part._replace(why=piece.why)
        read = read_part(part, piece.data, piece.size, alone=alone, limit=self._limit, unsubscribes=self._unsubscribes)
        if read is None:
            return None
        if isinstance(read, Refused):
            return self._dead(piece.line, read.why, read.value)
        return Item(source=self._from(piece.line), feedback=read)

    def _dead(self, line: int, why: Unusable, value: bytes | None) -> Item:
        """Return the dead letter of what stands at *line*."""
        return Item(
            source=self._from(line),
            dead=DeadLetter(
                topic=scrub_path(name) if is_elsewhere(name := self._source.name) else f"file:{name}",
                offset=line,
                value=None if value is None else value[: self._limit],
                stage=Stage.INTAKE,
                reason=DeadReason(why.reason),
                detail=scrub(why.detail),
                at=self._at,
            ),
        )

    def _from(self, line: int) -> str:
        """Return FILE:LINE."""
        return f"{self._source.name}:{line}"


def _record_name(value: object) -> str | None:
    """Return what a record is called, if an item can be one: one name, and at most where it came from."""
    if not isinstance(value, dict) or len(value) > 1 + len(_ASIDE):
        return None
    names = value.keys() - _ASIDE
    return next(iter(names)) if len(names) == 1 else None

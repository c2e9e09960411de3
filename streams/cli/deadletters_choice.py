"""Which dead letters are meant, and how they are read: one after the other, with no more of them held than are shown.

A letter is named by where it lies, PARTITION/OFFSET of the topic of dead letters, which never changes and is nobody's
address. What is done with it is no business of this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappush, heappushpop
from typing import Any, NamedTuple

import typer

from streams.cli.desk import Desk
from streams.cli.options import moment_or_none
from streams.cli.shown import Bar
from streams.emit.topic import Row, Topic
from streams.errors import Unusable
from streams.mail.deadletter import DeadReason, Stage
from streams.topics import ROLES

ROLE = "dead-letters"
NAME = "mail.DeadLetter"
_PLACE = re.compile(r"(\d{1,6})/(\d{1,18})")
_AGO = re.compile(r"-?(\d{1,6}[smhdw])")


class Place(NamedTuple):
    """Where a letter lies on the topic of dead letters."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """Return it as an operator writes it."""
        return f"{self.partition}/{self.offset}"


class Found(NamedTuple):
    """One letter: where it lies, and the record mail.DeadLetter."""

    place: Place
    record: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters; what is None narrows nothing. *since* is ms; *topic* a topic's name, or how it begins."""

    since: int | None = None
    stage: str | None = None
    reason: str | None = None
    topic: str | None = None

    @property
    def narrows(self) -> bool:
        """Tell whether it asks for some letters only."""
        return any(each is not None for each in (self.since, self.stage, self.reason, self.topic))

    def has(self, record: dict[str, Any], prefix: str) -> bool:
        """Tell whether a letter is one of them; *prefix* is what our topics' names begin with."""
        return (
            (self.since is None or record["at"] >= self.since)
            and self.stage in (None, record["stage"])
            and self.reason in (None, record["reason"])
            and (self.topic is None or _is_from(self.topic, record["topic"], prefix))
        )


def wanted(since: str | None, stage: str | None, reason: str | None, topic: str | None, at: int) -> Wanted:
    """Return what the words ask for; *at* is now. Wrong words end with exit code 2."""
    return Wanted(
        since=None if since is None else _since(since, at),
        stage=None if stage is None else _symbol(stage, Stage, "--stage"),
        reason=None if reason is None else _symbol(reason, DeadReason, "--reason"),
        topic=topic,
    )


def place_of(text: str) -> Place:
    """Return the place that *text* names; wrong words (exit code 2) where it names none."""
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter("wants a place such as 3/17, as list shows it", param_hint="PARTITION/OFFSET")
    return Place(int(found[1]), int(found[2]))


@contextmanager
def reading(desk: Desk, wish: Wanted, *, shown: bool | None = None) -> Iterator[Iterator[Found]]:
    """Give the letters that are meant, each partition's oldest first; one that cannot be read is a fault of the desk.

    Raises:
        WorldFailed: as `Topic.to_the_end` does.

    """
    with Topic(desk.settings, ROLE) as topic, Bar(f"reading {topic.name}", shown=shown) as bar:
        found = (_read(desk, topic.name, row) for row in topic.to_the_end(bar.told))
        prefix = desk.settings.topic_prefix
        yield (letter for letter in found if letter is not None and wish.has(letter.record, prefix))


def letter_at(desk: Desk, place: Place) -> Found | None:
    """Return the letter at one place; None where there is none, or none that can be read."""
    with Topic(desk.settings, ROLE) as topic:
        row = topic.one(*place)
        return None if row is None else _read(desk, topic.name, row)


def newest(letters: Iterable[Found], most: int) -> list[Found]:
    """Return the *most* letters that were given up last, the newest first; no more than these are held."""
    held: list[tuple[int, Place, dict[str, Any]]] = []
    for place, record in letters:
        entry = (record["at"], place, record)
        if len(held) < most:
            heappush(held, entry)
        elif entry[:2] > held[0][:2]:
            heappushpop(held, entry)
    return [Found(place, record) for _, place, record in sorted(held, key=lambda entry: entry[:2], reverse=True)]


def _read(desk: Desk, topic: str, row: Row) -> Found | None:
    place = Place(row.partition, row.offset)
    if row.value is None:
        desk.faults.add(f"{topic}/{row.partition} at offset {row.offset}: no value, and so no letter")
        return None
    try:
        return Found(place, desk.codec.decode(NAME, row.value))
    except Unusable as why:
        desk.faults.add(f"{topic}/{row.partition} at offset {row.offset}: {why}")
        return None


def _is_from(asked: str, topic: str, prefix: str) -> bool:
    """Tell whether a letter's topic is the one asked for: by its name, by its role, or by how a file's name begins."""
    if ":" in topic:
        return topic.startswith(asked)
    return topic == (prefix + asked if asked in ROLES else asked)


def _symbol(text: str, symbols: type[StrEnum], hint: str) -> str:
    symbol = text.strip().upper().replace("-", "_")
    if symbol not in list(symbols):
        raise typer.BadParameter(f"wants one of {', '.join(symbols)}", param_hint=hint)
    return symbol


def _since(text: str, at: int) -> int:
    """Return a time in ms: ISO 8601, or so long ago."""
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        span = moment_or_none(f"+{ago[1]}", 0)
        return at - (span or 0)
    found = moment_or_none(text, at)
    if found is None:
        raise typer.BadParameter("wants 2026-11-30T12:00:00Z, or 2h, 15m, 3d ago", param_hint="--since")
    return found

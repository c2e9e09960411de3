"""What `ses-streams dead-letters replay` does: letter by letter back to where it came from, or only says so.

Nothing is changed on the way: key and value are the bytes of the letter, and the partition is the one of the key. A
letter stays on its topic; written back twice it has no second effect, since what comes of a record has ids that are
made from it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import orjson
import typer

from streams.cli import FOUND
from streams.cli.deadletters_choice import Found, Place, Wanted, letter_at, reading
from streams.cli.deadletters_today import Fate, Today
from streams.cli.desk import Desk
from streams.cli.shown import counted, people
from streams.emit.publish import Publisher
from streams.emit.ready import ready_publisher
from streams.topics import topic_name

LARGEST = 16 << 20
"""Bytes of a record that is written back: more than our topics take by themselves, so that the brokers decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What an operator wants: to do it, to do it *anyway* to what could not be used today, to have it as JSON."""

    yes: bool
    anyway: bool
    as_json: bool


class Tally:
    """What was, or would be, written to which topic, and what was left out for which reason."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.letters = 0
        self.written: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def tell(self, orders: Orders, mails: str) -> None:
        """Say it to people; *mails* is the topic whose records are mails to be sent."""
        total = sum(self.written.values())
        if total:
            each = ", ".join(f"{number:,} to {topic}" for topic, number in sorted(self.written.items()))
            people(f"{counted(total, 'record')} {'written' if orders.yes else 'would be written'}: {each}")
        if self.written[mails]:
            people(f"what goes to {mails} are mails: a worker that dispatches sends them, unless they expired")
        for why, number in sorted(self.left_out.items()):
            people(f"{counted(number, 'letter')} left out: {why}")
        if not self.letters:
            people("there is no dead letter of what you asked for")
        elif total and not orders.yes:
            people("nothing is written: --yes does it")


def run(wish: Wanted, named: list[Place], orders: Orders, brokers: str | None) -> None:
    """Write back what is meant; ends with exit code 1 where something was left out, or there was nothing."""
    desk, tally = Desk(brokers), Tally()
    today = Today(desk.settings, desk.codec)
    with ExitStack() as stack:
        letters = _named(desk, named) if named else stack.enter_context(reading(desk, wish))
        publisher = stack.enter_context(_publisher(desk, today)) if orders.yes else None
        for letter in letters:
            tally.letters += 1
            _settle(letter, today.fate(letter), orders, tally, publisher)
    tally.tell(orders, topic_name(desk.settings.topic_prefix, "send-requests"))
    desk.close()
    if tally.left_out or not tally.letters:
        raise typer.Exit(FOUND)


def _settle(letter: Found, fate: Fate, orders: Orders, tally: Tally, publisher: Publisher | None) -> None:
    """Write one letter back, or leave it out; count and say which."""
    goes = bool(fate.copies) and (fate.fits or orders.anyway)
    if goes:
        for copy in fate.copies:
            tally.written[copy.topic] += 1
            if publisher is not None:
                publisher.publish(*copy)
    else:
        tally.left_out[fate.words] += 1
    if orders.as_json:
        told = {"to": sorted({copy.topic for copy in fate.copies})} if goes else {"left_out": fate.words}
        sys.stdout.write(orjson.dumps({"place": str(letter.place), **told}).decode() + "\n")


@contextmanager
def _publisher(desk: Desk, today: Today) -> Iterator[Publisher]:
    """Give what writes back, once every topic to which a letter can go is known to be there."""
    with ready_publisher(desk.settings, today.topics, largest=LARGEST) as publisher:
        yield publisher


def _named(desk: Desk, places: Iterable[Place]) -> Iterator[Found]:
    """Yield the letters at some places, each once; one that is not there is a fault of the desk."""
    for place, letter in map(partial(_at, desk), dict.fromkeys(places)):
        if letter is None:
            desk.faults.add(f"there is no dead letter at {place}")
        else:
            yield letter


def _at(desk: Desk, place: Place) -> tuple[Place, Found | None]:
    return place, letter_at(desk, place)

"""Kafka in memory: logs, and a group that gives partitions to its members and takes them back.

A request takes time to come and an answer takes time to go; between the two it is done, whoever has died meanwhile.
What a broker promises, this one keeps: order within a partition, no commit from a member of the past. What it does
not promise is up to chance and to the faults of the day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, Protocol

from faust.types import TP

from tests.simulation.loop import WORLD, Loop, Process

Rows = list[tuple[bytes | None, bytes | None]]


class Log:
    """One partition: rows by offset, and when each came (ms since the epoch)."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rows: Rows = []
        self.times: list[int] = []


def fold(rows: Rows) -> dict[bytes, bytes]:
    """Return what a changelog adds up to."""
    values: dict[bytes, bytes] = {}
    for key, value in rows:
        if key is not None and value is not None:
            values[key] = value
        else:
            values.pop(key or b"", None)
    return values


class Weather:
    """How the network is: delays, and what fails. Faults change it; calm is what it is without them."""

    def __init__(self, chance: Random) -> None:
        """Begin calm."""
        self._chance = chance
        self.slow_s = 0.0
        self.twice = 0.0
        self.split = 0.1
        self.refuses: set[int] = set()
        self.deaf: set[int] = set()
        self.mute = False

    def delay(self) -> float:
        """Return the seconds that one way takes."""
        return 0.001 + self._chance.random() ** 3 * 0.05

    def slow(self) -> float:
        """Return the seconds that a broker takes over a write."""
        return self._chance.random() * self.slow_s if self.slow_s else 0.0

    def hits(self, part: float) -> bool:
        """Tell whether something happens that happens in so many of all cases."""
        return part > 0 and self._chance.random() < part


class Broker:
    """Topics, and what was committed of them."""

    def __init__(self, loop: Loop, partitions: int) -> None:
        """Begin without a record."""
        self._loop = loop
        self.partitions = partitions
        self.logs: defaultdict[TP, Log] = defaultdict(Log)
        self.committed: dict[TP, int] = {}
        self.latest: defaultdict[str, dict[bytes, bytes]] = defaultdict(dict)
        self.owners: dict[int, Process] = {}
        self.wrong: list[str] = []
        self.watchers: list[Callable[[TP], None]] = []

    def end(self, tp: TP) -> int:
        """Return the offset of the next record."""
        log = self.logs.get(tp)
        return 0 if log is None else len(log.rows)

    def append(self, tp: TP, keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> int:
        """Add records; return the offset of the first."""
        log, latest = self.logs[tp], self.latest[tp.topic]
        first = len(log.rows)
        for key, value in zip(keys, values, strict=True):
            log.rows.append((key, value))
            if key is None or value is None:
                latest.pop(key or b"", None)
            else:
                latest[key] = value
        log.times += [self._loop.now] * len(keys)
        for tell in list(self.watchers):
            tell(tp)
        return first

    def look_at_writer(self, tp: TP, writer: Process) -> None:
        """Note a write to a changelog that is another's by now."""
        owner = self.owners.get(tp.partition)
        if tp.topic.endswith("-changelog") and owner is not writer:
            owned = "nobody's" if owner is None else f"{owner.name}'s"
            self.wrong.append(f"{tp.topic}/{tp.partition} {self.end(tp)}: written by {writer.name}, and it is {owned}")

    def rows(self, topic: str) -> list[tuple[TP, int, bytes | None, bytes | None]]:
        """Return all records of a topic, with their places."""
        return [
            (tp, offset, key, value)
            for tp in (TP(topic, partition) for partition in range(self.partitions))
            for offset, (key, value) in enumerate(self.logs[tp].rows)
        ]


class Word(NamedTuple):
    """What a group says: partitions with a generation, or *out*, or neither: then all are to come together."""

    generation: int = 0
    partitions: tuple[int, ...] = ()
    out: bool = False


class Member(Protocol):
    """Who may be given partitions."""

    process: Process

    def told(self, word: Word) -> None:
        """Hear from the group; the world calls it, so it is only to be written down."""

    def not_done(self, tp: TP, offset: int) -> list[str]:
        """Return what was taken of a partition before *offset* and is not done: for the checker."""


class Group:
    """The group's coordinator: eager, as Faust's assignor is; partitions of one number go together."""

    def __init__(self, broker: Broker, loop: Loop, chance: Random, patience_s: float) -> None:
        """Begin without members; one that does not come back within *patience_s* of a call to gather is out."""
        self._broker = broker
        self._loop = loop
        self.chance = chance
        self._patience = patience_s
        self.members: list[Member] = []
        self._here: list[Member] = []
        self._gathers = 0
        self._told: dict[Member, float] = {}
        self.is_gathering = False
        self.generation = 0
        self.wrong: list[str] = []

    def join(self, member: Member) -> None:
        """Take a member in, or hear that one has let go of all it had."""
        if member not in self.members:
            self.members.append(member)
            self._here.append(member)
            self._gather()
        elif member not in self._here:
            self._here.append(member)
        self._settle()

    def leave(self, member: Member) -> None:
        """Let a member go, or give up on it."""
        if member in self.members:
            self.members.remove(member)
            if member in self._here:
                self._here.remove(member)
            self._gather()
            self._settle()

    def give_up_on(self, member: Member) -> None:
        """Let a member go that was not heard of for too long, and tell it when it asks."""
        if member in self.members:
            self.leave(member)
            self._tell(member, Word(out=True))

    def commit(self, member: Member, generation: int, offsets: dict[TP, int]) -> bool:
        """Keep offsets, if they come from whoever the partitions are of now."""
        if member not in self.members or generation != self.generation:
            return False
        for tp, offset in offsets.items():
            for one in member.not_done(tp, offset):
                self.wrong.append(f"{tp.topic}/{tp.partition}: {offset} was committed past {one}")
            self._broker.committed[tp] = offset
        return True

    def _gather(self) -> None:
        """Call all members together."""
        if not self.is_gathering:
            self.is_gathering = True
            self._gathers += 1
            self._loop.call_later(self._patience, self._lose_patience, self._gathers, context=WORLD)
            for member in self.members:
                if member not in self._here:
                    self._tell(member, Word())

    def _lose_patience(self, gathering: int) -> None:
        if self.is_gathering and gathering == self._gathers:
            for member in [one for one in self.members if one not in self._here]:
                self.members.remove(member)
                self._tell(member, Word(out=True))
            self._settle()

    def _settle(self) -> None:
        """Deal out partitions when all are here."""
        if not self.is_gathering or len(self._here) < len(self.members):
            return
        self.is_gathering = False
        self.generation += 1
        order = list(self._here)
        self.chance.shuffle(order)
        for number, member in enumerate(order):
            mine = tuple(one for one in range(self._broker.partitions) if one % len(order) == number)
            self._broker.owners |= dict.fromkeys(mine, member.process)
            self._tell(member, Word(self.generation, mine))
        self._here.clear()

    def _tell(self, member: Member, word: Word) -> None:
        """Send a word; words to one member come in their order."""
        at = max(self._loop.seconds + 0.001 + self.chance.random() * 0.02, self._told.get(member, 0.0) + 1e-6)
        self._told[member] = at
        self._loop.call_at(at, member.told, word, context=WORLD)

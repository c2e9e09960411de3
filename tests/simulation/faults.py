"""What can go wrong, and when: a day's faults are a list that can be read, shortened and played again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.simulation.stories import DAY_LASTS, SECOND

MACHINES = ("a", "b", "c")


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    CRASH = "crash"
    WIPE = "wipe"
    FREEZE = "freeze"
    STOP = "stop"
    REFUSE = "refuse"
    DEAF = "deaf"
    SLOW = "slow"
    TWICE = "twice"
    MUTE = "mute"
    DISK = "disk"


MEANS = {
    Kind.KILL: "a worker dies in the midst of its work",
    Kind.CRASH: "its machine dies too, and what was last written with it",
    Kind.WIPE: "it dies, and comes back with an empty disk",
    Kind.FREEZE: "it stands still and goes on later, perhaps after others have taken its partitions",
    Kind.STOP: "it is told to stop, and comes back later",
    Kind.REFUSE: "the broker takes no writes to a partition",
    Kind.DEAF: "the broker takes them, and its answers are lost",
    Kind.SLOW: "the broker takes its time",
    Kind.TWICE: "the broker keeps outputs twice",
    Kind.MUTE: "the broker takes no commits",
    Kind.DISK: "a disk refuses a write",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, the *number*-th of its day.

    It begins *at* ms after noon, or *steps* steps of its process later, and lasts so many *seconds*.
    """

    number: int
    at: int
    kind: Kind
    machine: int
    steps: int
    seconds: int
    size: int

    def __str__(self) -> str:
        """Return it as a line of a script."""
        where = f"worker {MACHINES[self.machine]}, {self.steps} steps on"
        if self.kind in {Kind.REFUSE, Kind.DEAF, Kind.SLOW, Kind.TWICE, Kind.MUTE}:
            where = f"partition {self.machine % 2}"
        return f"{self.at / SECOND:7.1f} s  {self.kind:7} {where}, for {self.seconds} s: {MEANS[self.kind]}"


def faults(seed: int, kinds: tuple[Kind, ...]) -> list[Fault]:
    """Return the faults of a seed, of these kinds."""
    chance = Random(f"{seed}/faults")
    found = [
        Fault(
            number=number,
            at=chance.randrange(DAY_LASTS + 30 * SECOND),
            kind=chance.choice(kinds),
            machine=chance.choice((0, 0, 0, 1, 1, 2)),
            steps=chance.randrange(1, 80),
            seconds=chance.choice((1, 5, 20, 50, 70)),
            size=chance.randrange(1, 6),
        )
        for number in range(chance.randrange(1, 6) if kinds else 0)
    ]
    return sorted(found, key=lambda fault: fault.at)

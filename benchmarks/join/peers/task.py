"""What a peer is told and says: its environment, how far it is, `begun` and `done` (README.md). Nothing of a tool."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

PARTITIONS = 4
CONSUMER: dict[str, Any] = {"fetch.queue.backoff.ms": 10}
"""For librdkafka: by default it sleeps a second when its queue is full, and a fast consumer then waits for it."""
PRODUCER: dict[str, Any] = {
    "acks": "all",
    "compression.type": "zstd",
    "partitioner": "murmur2_random",  # as Java's clients place keys
    "linger.ms": 50,  # this and the next as librdkafka's INTRODUCTION.md, "Performance", has it for high throughput
    "batch.size": 500_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the environment says; *voice* is the descriptor that the driver listens to."""

    brokers: str
    sends: str
    feedback: str
    outcomes: str
    suppressions: str
    group: str
    home: str
    schemas: str
    messages: int
    feedbacks: int
    voice: int


def told() -> Task:
    """Return what the environment says, and keep standard output for `say`: what libraries print goes to the log."""
    voice = os.dup(1)
    os.dup2(2, 1)
    said = {name.removeprefix("BENCH_"): value for name, value in os.environ.items() if name.startswith("BENCH_")}
    return Task(
        brokers=said["BROKERS"],
        sends=said["SENDS"],
        feedback=said["FEEDBACK"],
        outcomes=said["OUTCOMES"],
        suppressions=said["SUPPRESSIONS"],
        group=said["GROUP"],
        home=said["DIR"],
        schemas=said["SCHEMAS"],
        messages=int(said["MESSAGES"]),
        feedbacks=int(said["FEEDBACKS"]),
        voice=voice,
    )


def switch(name: str, default: str) -> str:
    """Return what a switch of a peer's own is set to."""
    return os.environ.get(f"BENCH_{name}", default)


@dataclass(slots=True)
class Progress:
    """How far a peer is; its first record says `begun`."""

    task: Task
    sends: int = 0
    feedbacks: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def sends_read(self, count: int = 1) -> None:
        """Count sends; the first record begins the run."""
        if not self.sends and not self.feedbacks:
            say(self.task, "begun")
        self.sends += count

    def feedbacks_read(self, count: int = 1) -> None:
        """Count events of SES."""
        if not self.sends and not self.feedbacks:
            say(self.task, "begun")
        self.feedbacks += count

    @property
    def open(self) -> bool:
        """Tell whether all sends are read, so that feedback may be."""
        return self.sends >= self.task.messages

    @property
    def complete(self) -> bool:
        """Tell whether everything is read."""
        return self.open and self.feedbacks >= self.task.feedbacks


def say(task: Task, word: str) -> None:
    """Tell the driver where the run is."""
    os.write(task.voice, f"{word}\n".encode())

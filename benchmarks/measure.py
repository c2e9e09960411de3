"""What a process has used, and how far a consumer group is, asked of the kernel and of the brokers.

Never asked of the contestant itself: to answer would cost it the processor time that is being measured. Nothing here
knows who runs or why. Times are seconds since the epoch, so that they can be held against what a page of metrics says.
"""

from __future__ import annotations

import os
import re
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, and not marked so

HERTZ = 20.0
LOOK_FOR_CHILDREN = 10
"""Samples between two looks for new children: to find them takes longer than to read what the known ones used."""
ANSWER_S, ONE_TRY_S = 20.0, 1.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PEAK = re.compile(r"VmHWM:\s+(\d+)")
Place = tuple[str, int]


def family(pid: int) -> tuple[int, ...]:
    """Return a process and all its living descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return tuple(found)


def cpu_of(pids: Iterable[int]) -> float:
    """Return the processor time of these processes and of their children that have ended, seconds."""
    every = [fields for pid in pids if (fields := _fields(pid))]
    return sum(int(ticks) for fields in every for ticks in fields[11:15]) / _TICKS


def peak_of(pids: Iterable[int]) -> float:
    """Return the most memory that each of these processes has had so far, summed, MB."""
    return sum(_peak(pid) for pid in pids) / 1024


def _fields(pid: int) -> list[str]:
    """Return what /proc/PID/stat says after the name; nothing for one that is gone. One that has ended still counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _peak(pid: int) -> int:
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return 0
    return int(found[1]) if found else 0


class Sampler:
    """Notes what processes have used, twenty times a second, so that any moment can be asked for afterwards.

    Args:
        roots: gives the processes to watch; their children are found.

    """

    def __init__(self, roots: Callable[[], Iterable[int]]) -> None:
        """Note nothing yet; use it in a ``with``."""
        self._roots = roots
        self._times: list[float] = []
        self._used: list[float] = []
        self._peaks: dict[int, float] = {}
        self._known: tuple[int, ...] = ()
        self._over = threading.Event()
        self._one = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self.sample(children=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End, whatever happened."""
        self._over.set()
        self._thread.join()

    def sample(self, *, children: bool = False) -> float:
        """Take a sample now; return its time."""
        with self._one:
            if children:
                self._known = tuple(one for pid in self._roots() for one in family(pid))
            now, used = time.time(), cpu_of(self._known)
            if not self._used or used >= self._used[-1]:  # a child that ends is missed until its parent has heard of it
                self._times.append(now)
                self._used.append(used)
            for pid in self._known:
                self._peaks[pid] = max(self._peaks.get(pid, 0.0), peak_of((pid,)))
        return now

    def cpu_at(self, moment: float) -> float:
        """Return the processor time used until *moment*, seconds; between two samples, as if it were used evenly."""
        place = bisect_left(self._times, moment)
        if place in {0, len(self._times)}:
            return self._used[min(place, len(self._times) - 1)]
        before, after = self._times[place - 1], self._times[place]
        share = (moment - before) / (after - before)
        return self._used[place - 1] + share * (self._used[place] - self._used[place - 1])

    def cpu_between(self, begun: float, done: float) -> float:
        """Return the processor time used between two moments, seconds."""
        return self.cpu_at(done) - self.cpu_at(begun)

    @property
    def peak_mb(self) -> float:
        """Return the most memory of each process, summed, MB."""
        return sum(self._peaks.values())

    def _run(self) -> None:
        count = 0
        while not self._over.wait(1 / HERTZ):
            count += 1
            self.sample(children=count % LOOK_FOR_CHILDREN == 0)


class Log:
    """What the brokers know of topics and of groups."""

    def __init__(self, brokers: str) -> None:
        """Connect."""
        self._brokers = brokers
        self._groups: dict[str, Consumer] = {}
        self._places: dict[str, list[Place]] = {}
        self._admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})

    def places(self, topics: Iterable[str]) -> list[Place]:
        """Return the partitions of these topics, as far as there are such."""
        shown = self._admin.list_topics(timeout=ANSWER_S).topics
        return [(topic, number) for topic in topics if topic in shown for number in shown[topic].partitions]

    def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """Return where each partition ends: the offset of the next record."""
        places = self.places(topics)
        return _patiently(lambda: self._ends(places))

    def _ends(self, places: Iterable[Place]) -> dict[Place, int]:
        asked = {TopicPartition(*place): OffsetSpec.latest() for place in places}  # type: ignore[no-untyped-call]  # its class has none
        answers = self._admin.list_offsets(asked, request_timeout=ONE_TRY_S) if asked else {}
        return {(one.topic, one.partition): answer.result().offset for one, answer in answers.items()}

    def count(self, topic: str) -> int:
        """Return how many records were written to a topic since it was made, where no transactions are used."""
        return sum(self.ends([topic]).values())

    def committed(self, group: str, topics: Iterable[str]) -> dict[Place, int]:
        """Return what a group has committed of these topics; nothing where it has not."""
        if group not in self._groups:  # a consumer that subscribes to nothing asks for its group, and does not join it
            self._groups[group] = Consumer(
                {"bootstrap.servers": self._brokers, "group.id": group, "enable.auto.commit": False, "log_level": 0}
            )
            self._places[group] = self.places(topics)
        return _patiently(lambda: self._committed(group))

    def _committed(self, group: str) -> dict[Place, int]:
        asked = [TopicPartition(*place) for place in self._places[group]]
        said = self._groups[group].committed(asked, timeout=ONE_TRY_S)
        return {(one.topic, one.partition): one.offset for one in said if one.offset >= 0}

    def close(self) -> None:
        """Leave."""
        for reader in self._groups.values():
            reader.close()


def _patiently(ask: Callable[[], dict[Place, int]]) -> dict[Place, int]:
    """Ask again for a while: a new topic has no leader at first, and a new cluster no coordinator of groups."""
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def lag(ends: Mapping[Place, int], committed: Mapping[Place, int]) -> int:
    """Return how many records are still to be committed; what was never committed counts from offset 0."""
    return sum(max(end - committed.get(place, 0), 0) for place, end in ends.items())

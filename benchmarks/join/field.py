"""The field that contestants run on: one broker, the workload in its topics, and outputs made anew for each run.

It loads, clears and says where things are; who runs, and how fast, it does not know. Outputs are deleted before each
run, since what one contestant wrote would be the next one's input: ours reads its own outcomes again, by recipient.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from confluent_kafka.admin import AdminClient

from benchmarks.join.due import Due
from benchmarks.join.workload import PARTITIONS, Workload
from streams.emit.admin import ensure_topics
from streams.settings import Security
from streams.topics import plan, topic_name

INPUTS = ("sends", "feedback")
PATIENCE_S = 60.0
TIMED = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "retention.ms": "-1",
}
"""Inputs keep the time of the event, long ago or yet to come: peers that take two topics in order of time go by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A workload that lies in topics of its own prefix, and what must come of it."""

    prefix: str
    workload: Workload
    due: Due

    def topic(self, role: str) -> str:
        """Return the name of a topic."""
        return topic_name(self.prefix, role)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of the topics that are read."""
        return tuple(self.topic(role) for role in INPUTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that one contestant is told for one run: *home* is an empty directory, *group* is new."""

    brokers: str
    broker_pid: int
    course: Course
    group: str
    home: Path


class Field:
    """The broker with its courses."""

    def __init__(self, brokers: str, broker_pid: int, home: Path) -> None:
        """Take a broker that runs, and a directory for what contestants write."""
        self._brokers, self._broker_pid, self._home = brokers, broker_pid, home
        self._admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
        self._inputs: set[str] = set()
        self._runs = 0

    def load(self, prefix: str, messages: int) -> Course:
        """Write a workload into new topics."""
        course = Course(prefix=prefix, workload=Workload(messages=messages), due=Due())
        self._inputs |= set(course.inputs)
        self._make(course, "load")
        course.workload.load(self._brokers, dict(zip(INPUTS, course.inputs, strict=True)), course.due.saw)
        return course

    def prepare(self, course: Course, name: str) -> Run:
        """Delete what earlier runs wrote, make the outputs anew, and return what the next run is told."""
        self._runs += 1
        group = f"bench-{name}-{self._runs}"
        self._clear()
        self._make(course, group)
        home = self._home / group
        home.mkdir()
        return Run(brokers=self._brokers, broker_pid=self._broker_pid, course=course, group=group, home=home)

    def _make(self, course: Course, group: str) -> None:
        topics = plan(prefix=course.prefix, partitions=PARTITIONS, replication=1, group=group)
        timed = [replace(one, config={**one.config, **TIMED}) if one.name in course.inputs else one for one in topics]
        ensure_topics(self._brokers, Security(), timed)

    def _clear(self) -> None:
        """Delete every topic but the inputs and the broker's own, and wait until the broker shows none of them."""
        until = time.monotonic() + PATIENCE_S
        asked: set[str] = set()
        while left := self._others():
            if new := left - asked:
                self._delete(new)
                asked |= new
            if time.monotonic() > until:
                raise TimeoutError(f"topics that were deleted are still there: {', '.join(sorted(left))}")
            time.sleep(0.05)

    def _delete(self, topics: Iterable[str]) -> None:
        for answer in self._admin.delete_topics(list(topics), operation_timeout=PATIENCE_S).values():
            answer.result(PATIENCE_S)

    def _others(self) -> set[str]:
        shown = set(self._admin.list_topics(timeout=PATIENCE_S).topics)
        return {topic for topic in shown - self._inputs if not topic.startswith("__")}

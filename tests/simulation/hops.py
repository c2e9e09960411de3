"""The product's own hops, as `streams.app` wires them, each watched for the order in which its records come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from streams.dispatch import postroom
from streams.dispatch.breaker import Breaker
from streams.dispatch.by_request import ByRequest
from streams.dispatch.gate import Globals
from streams.dispatch.pace import Pace
from streams.engine.lines import Lines
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.letter import Quota
from streams.mail.policy import BreakerPolicy, Policy, RetryPolicy
from streams.pipeline import Chunk, Effects, Recall
from streams.topics import ROLES
from tests.dispatch.bench import ONCE
from tests.simulation.broker import Broker
from tests.simulation.loop import Loop
from tests.simulation.ses import Ses
from tests.simulation.stories import MINUTE

POLICY = Policy(retry=RetryPolicy(first=10 * MINUTE, factor=2, mailbox_full=15 * MINUTE, most=2, silence=5 * MINUTE))
"""The product's, with retries that need no days: an idle lane costs time for every hour that passes."""
TOPICS = {role: role for role in ROLES}
BY_MESSAGE = ByMessage(ONCE, POLICY.join, TOPICS)
BY_RECIPIENT = ByRecipient(ONCE, POLICY, TOPICS)
"""These two remember nothing between chunks, so one of each does for all worlds."""


class Watched:
    """A hop that is handed every record of a partition in its order, each once, or somebody is told."""

    def __init__(self, hop: Any, wrong: list[str]) -> None:
        """Watch *hop*; what is amiss goes into *wrong*."""
        self.name: str = hop.name
        self.hop = hop
        self._wrong = wrong
        self._next: dict[tuple[str, int], int] = {}

    def begin(self, partition: int, positions: Mapping[str, int]) -> None:
        """Note where a lane begins."""
        for topic, position in positions.items():
            self._next[topic, partition] = position

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Work on a chunk, if it is the next one."""
        place = chunk.topic, chunk.partition
        if chunk.offsets[0] != self._next[place]:
            self._wrong.append(f"{place}: worked on offset {chunk.offsets[0]}, and {self._next[place]} was next")
        self._next[place] = chunk.offsets[-1] + 1
        return self.hop.work(chunk, recall, now)  # type: ignore[no-any-return]  # any hop

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Wake keys."""
        return self.hop.wake(keys, recall, now)  # type: ignore[no-any-return]  # any hop

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]] | None:
        """Count nothing."""
        return None

    def __getattr__(self, name: str) -> Any:
        """Have all else that the hop has, and nothing that it has not."""
        return getattr(self.hop, name)


def lines(group: str, broker: Broker, ses: Ses, loop: Loop, wrong: list[str]) -> Lines:
    """Return all hops of one worker, wired as in `streams.app`."""
    made = Lines(group, TOPICS)
    outputs: tuple[str, ...] = ("outcomes", "settlements", "dead-letters", "sends", "feedback")
    made.add(Watched(BY_MESSAGE, wrong), ("sends", "feedback"), outputs, "lives", None, ())
    outputs = ("suppressions", "retries", "loops", "waiting", "dead-letters", "outcomes", "instructions")
    made.add(Watched(BY_RECIPIENT, wrong), ("outcomes", "instructions"), outputs, "standings", None, ())
    first: tuple[str, ...] = getattr(postroom, "FIRST", ())
    hop = Watched(_dispatch(broker, ses, loop), wrong)
    made.add(hop, postroom.INPUTS, postroom.OUTPUTS, postroom.TABLE, None, first)
    return made


def _dispatch(broker: Broker, ses: Ses, loop: Loop) -> ByRequest:
    pace = Pace(None, 8)
    pace.learned(Quota(-1, 0, 50.0, sending=True), loop.now)
    tables = Globals(**{role: _reader(broker, role) for role in Globals._fields})
    return ByRequest(ONCE, POLICY, TOPICS, ses, pace, tables, Breaker(BreakerPolicy()), lambda: loop.now)


def _reader(broker: Broker, role: str) -> Recall:
    return lambda keys: [broker.latest[role].get(key) for key in keys]

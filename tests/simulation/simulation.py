"""One day of one world: stories are told, faults befall it, all is mended, time passes, and what is left is checked.

All of it follows from a script; the same script gives the same day, to the last callback.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from random import Random

from faust.types import TP

from streams.errors import Unusable
from tests.builders import CODEC
from tests.simulation.broker import Broker, Group, Weather
from tests.simulation.disk import Disks, in_place_of_rocksdb
from tests.simulation.faults import MACHINES, Fault, Kind, faults
from tests.simulation.hops import lines
from tests.simulation.loop import WORLD, Loop, Standstill, made_up_time
from tests.simulation.machines import Machine, Yard
from tests.simulation.ses import Ses
from tests.simulation.stories import PARTITIONS, Input, Story, stories
from tests.simulation.worker import GROUP, Worker

ENDS = {
    "DELIVERED",
    "HARD_BOUNCED",
    "SOFT_BOUNCED",
    "COMPLAINED",
    "REJECTED",
    "AUTO_REPLIED",
    "FAILED",
    "SUPPRESSED",
    "LOOPING",
    "EXPIRED",
}
PATIENCE_S = 60.0
"""How long the group waits for its members when it gathers: EngineConfig's rebalance_timeout."""
HEALED_S = 420.0
SETTLED_S = 2_700.0
"""When nothing is parked any more, and the first retries have gone."""
LOOK_S = 1_200.0
AT_LAST_S = 12 * 3_600.0


@dataclass(frozen=True, slots=True)
class Script:
    """What a day is made of."""

    seed: int
    workers: int
    standbys: bool
    stories: tuple[int, ...]
    faults: tuple[Fault, ...]
    kinds: tuple[Kind, ...] | None = None

    def without_faults(self) -> Script:
        """Return the same day, on which nothing goes wrong."""
        return replace(self, faults=())


def script_of(seed: int, kinds: tuple[Kind, ...] | None = None) -> Script:
    """Return the script of a seed."""
    chance = Random(f"{seed}/script")
    return Script(
        seed=seed,
        workers=chance.choice((1, 2, 2, 3)),
        standbys=chance.random() < 0.3,
        stories=tuple(range(chance.randrange(2, 9))),
        faults=tuple(faults(seed, tuple(Kind) if kinds is None else kinds)),
        kinds=kinds,
    )


class Day:
    """One day."""

    def __init__(self, script: Script) -> None:
        """Build the world of *script*."""
        seed = script.seed
        self.script = script
        self.loop = Loop(Random(f"{seed}/loop"))
        self.weather = Weather(Random(f"{seed}/weather"))
        self.broker = Broker(self.loop, PARTITIONS)
        self.group = Group(self.broker, self.loop, Random(f"{seed}/group"), PATIENCE_S)
        self.disks = Disks(Random(f"{seed}/disks"))
        self.ses = Ses(self.loop, Random(f"{seed}/ses"), self.publish)
        self.yard = Yard(self.loop, self.broker, self.group, self.weather, self.disks, self._wire)
        self.stories: list[Story] = list(stories(seed, list(script.stories)))
        self.published: list[tuple[Input, TP, int]] = []
        self.wrong: list[str] = []

    def live(self) -> None:
        """Let the day pass."""
        with ExitStack() as stack:
            stack.enter_context(made_up_time(self.loop))
            stack.enter_context(in_place_of_rocksdb(self.disks))
            try:
                self.loop.run_until_complete(self._pass())
            except Standstill:
                self.wrong.append(f"after {self.loop.seconds:.0f} s nothing can happen any more")
            self.loop.bury()
        self.wrong += self.broker.wrong + self.group.wrong + self.yard.wrong

    def publish(self, topic: str, key: bytes, value: bytes) -> None:
        """Publish for somebody outside."""
        self._tell(Input(0, topic, key, value))

    def inputs(self) -> list[TP]:
        """Return the partitions that workers read."""
        keyed = {"sends", "feedback", "outcomes", "instructions", "send-requests", "settlements", "retries"}
        return [TP(topic, partition) for topic in sorted(keyed) for partition in range(PARTITIONS)]

    def lag(self) -> int:
        """Return how many records are not committed."""
        return sum(self.broker.end(tp) - self.broker.committed.get(tp, 0) for tp in self.inputs())

    def workers(self) -> list[Worker]:
        """Return the workers that run."""
        return [machine.worker for machine in self.yard.machines if machine.worker is not None]

    def _wire(self, worker: Worker) -> None:
        worker.has_standbys = self.script.standbys
        worker.wire(lines(GROUP, self.broker, self.ses, self.loop, self.wrong))

    def _tell(self, one: Input) -> None:
        tp = TP(one.topic, one.home)
        offset = self.broker.append(tp, [one.key], [one.value])
        self.published.append((one, tp, offset))

    async def _pass(self) -> None:
        loop = self.loop
        for story in self.stories:
            for one in story.inputs:
                loop.call_at(one.at / 1000, self._tell, one, context=WORLD)
        for number in range(self.script.workers):
            machine = Machine(MACHINES[number], number)
            self.yard.machines.append(machine)
            loop.call_at(number * 7.0, self.yard.start, machine, context=WORLD)
        for fault in self.script.faults:
            loop.call_at(fault.at / 1000, self.yard.befall, fault, context=WORLD)
        await asyncio.sleep(HEALED_S)
        self.yard.heal()
        await asyncio.sleep(SETTLED_S - HEALED_S)
        while not self._is_settled() and loop.seconds < AT_LAST_S:  # noqa: ASYNC110 - time is made up, and looks are few
            await asyncio.sleep(LOOK_S)

    def _is_settled(self) -> bool:
        return not self.lag() and not any(self.open_requests())

    def open_requests(self) -> list[tuple[str, str]]:
        """Return which requests have no end for whom, and do not wait for a time either."""
        asked = {(name, to) for story in self.stories for name, people in story.asks.items() for to in people}
        if not asked:
            return []
        ended = set()
        for _, _, _, value in self.broker.rows("outcomes"):
            with suppress(Unusable):
                record = CODEC.decode("mail.Outcome", value or b"")
                if record["kind"] in ENDS:
                    ended.add((record["request_id"], record["recipient"]))
        waits = {
            (retry["request_id"], to.decode())
            for to, value in self.broker.latest["waiting"].items()
            for retry in CODEC.decode("mail.Waiting", value)["retries"]
        }
        return sorted(asked - ended - waits)

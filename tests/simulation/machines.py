"""The machines that workers run on: started, killed, frozen, thawed, restarted; and the broker's bad days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.simulation.broker import Broker, Group, Weather
from tests.simulation.disk import Disks
from tests.simulation.faults import Fault, Kind
from tests.simulation.loop import WORLD, Loop
from tests.simulation.worker import Worker

AGAIN_S = 8.0
"""After which whoever runs workers starts one again that has ended."""
MOST_LIVES = 60
"""A worker that starts more often than this is going round in circles."""


class Machine:
    """One machine, and the worker that runs on it, if one does."""

    def __init__(self, name: str, number: int) -> None:
        """Begin without a worker."""
        self.name = name
        self.number = number
        self.home = Path("/") / name
        self.worker: Worker | None = None
        self.lives = 0


class Yard:
    """All machines."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a world is made of
        self, loop: Loop, broker: Broker, group: Group, weather: Weather, disks: Disks, wire: Callable[[Worker], None]
    ) -> None:
        """Keep what they all share; *wire* gives a new worker its hops."""
        self._loop = loop
        self._broker = broker
        self._group = group
        self._weather = weather
        self._disks = disks
        self._wire = wire
        self._chance = Random(0)
        self.machines: list[Machine] = []
        self.wrong: list[str] = []
        self.failures: list[BaseException] = []
        self.errors: list[BaseException] = []
        self.is_over = False

    def start(self, machine: Machine) -> None:
        """Start a worker, if none runs there."""
        if machine.worker is not None:
            return
        machine.lives += 1
        if machine.lives > MOST_LIVES:
            self.wrong.append(f"worker {machine.name} was started {machine.lives} times: {self.failures[-1:]}")
            return
        worker = machine.worker = Worker(
            f"{machine.name}{machine.lives}",
            machine.home,
            self._loop,
            self._broker,
            self._group,
            self._weather,
            lambda worker, failed: self._ended(machine, worker, failed=failed),
        )
        self._wire(worker)
        self._loop.start(worker.process, worker.live()).add_done_callback(self._look_at)

    def befall(self, fault: Fault) -> None:
        """Let a fault happen."""
        machine = self.machines[fault.machine % len(self.machines)]
        worker = machine.worker
        match fault.kind:
            case Kind.REFUSE | Kind.DEAF | Kind.SLOW | Kind.TWICE | Kind.MUTE:
                self._spoil(fault)
            case _ if worker is None:
                pass
            case Kind.FREEZE:
                worker.process.after(fault.steps, lambda: self._freeze(worker, fault.seconds))
            case Kind.STOP:
                worker.process.after(fault.steps, worker.stop)
            case Kind.DISK:
                self._disks.refuses.add(worker.process)
            case _:
                worker.process.after(fault.steps, lambda: self._kill(machine, worker, fault))

    def heal(self) -> None:
        """End all faults, and start what does not run."""
        self.is_over = True
        self._weather.slow_s = self._weather.twice = 0.0
        self._weather.mute = False
        self._weather.refuses.clear()
        self._weather.deaf.clear()
        self._disks.refuses.clear()
        for machine in self.machines:
            if machine.worker is not None:
                machine.worker.process.calm_down()
                self._thaw(machine.worker)
            else:
                self.start(machine)

    def _spoil(self, fault: Fault) -> None:
        """Let the broker have a bad time, and then a good one."""
        weather, partition = self._weather, fault.machine % self._broker.partitions

        def mend() -> None:
            match fault.kind:
                case Kind.REFUSE:
                    weather.refuses.discard(partition)
                case Kind.DEAF:
                    weather.deaf.discard(partition)
                case Kind.SLOW:
                    weather.slow_s = 0.0
                case Kind.TWICE:
                    weather.twice = 0.0
                case _:
                    weather.mute = False

        match fault.kind:
            case Kind.REFUSE:
                weather.refuses.add(partition)
            case Kind.DEAF:
                weather.deaf.add(partition)
            case Kind.SLOW:
                weather.slow_s = 5.0 * fault.size
            case Kind.TWICE:
                weather.twice = 0.5
            case _:
                weather.mute = True
        self._loop.call_later(fault.seconds, mend, context=WORLD)

    def _kill(self, machine: Machine, worker: Worker, fault: Fault) -> None:
        if machine.worker is not worker or not worker.process.is_alive:
            return
        worker.process.kill()
        worker.producer.die()
        if fault.kind is Kind.CRASH:
            self._disks.crash(machine.home, fault.size)
        elif fault.kind is Kind.WIPE:
            self._disks.lose(machine.home)
        session = worker.config.session_timeout / 1000
        self._loop.call_later(session, self._group.leave, worker, context=WORLD)
        self._bury(machine, worker)
        self._loop.call_later(fault.seconds, self.start, machine, context=WORLD)

    def _freeze(self, worker: Worker, seconds: int) -> None:
        process = worker.process
        if process.is_frozen or not process.is_alive:
            return
        process.is_frozen = True
        membership, began = worker.membership, self._loop.seconds
        process.frozen_since = began
        if membership.is_heard:  # else it is still silent from before
            membership.is_heard, membership._answered_at = False, began
        session = worker.config.session_timeout / 1000

        def expire() -> None:
            if process.is_frozen and process.frozen_since == began:
                self._group.give_up_on(worker)

        self._loop.call_later(session, expire, context=WORLD)
        self._loop.call_later(seconds, self._thaw, worker, context=WORLD)

    def _thaw(self, worker: Worker) -> None:
        """Let a process go on, and let a heartbeat of it be answered a little later, if it is still a member."""
        if worker.process.is_frozen:
            worker.process.thaw(self._loop)
            self._loop.call_later(2 * self._weather.delay(), self._hear, worker, context=WORLD)
            patience = worker.config.patience / 1000
            self._loop.call_later(patience, worker.look_at_silence, context=worker.process.context)

    def _hear(self, worker: Worker) -> None:
        if worker in self._group.members and not worker.process.is_frozen:
            worker.membership.is_heard = True

    def _look_at(self, life: asyncio.Task[None]) -> None:
        """Find a fault of the world's own making, which must not pass for a quiet day."""
        if not life.cancelled() and (error := life.exception()) is not None:
            self.wrong.append(f"the simulation itself failed: {error!r}")
            self.errors.append(error)

    def _ended(self, machine: Machine, worker: Worker, *, failed: bool) -> None:
        if not worker.process.is_alive:
            return
        if failed and worker.failure is not None:
            self.failures.append(worker.failure)
        worker.process.kill()
        worker.producer.die()
        self._bury(machine, worker)
        self._loop.call_later(AGAIN_S, self.start, machine, context=WORLD)

    def _bury(self, machine: Machine, worker: Worker) -> None:
        self._broker.watchers.remove(worker.consumer.heard_of)
        machine.worker = None

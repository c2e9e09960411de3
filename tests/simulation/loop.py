"""An event loop without a world: time is a number that jumps to what comes next, and chance says who goes first.

Every callback belongs to a process (by a context variable that tasks inherit) or to the world. So a kill is that the
callbacks of a process are never run again, and a freeze is that they are put aside: both at any await of any code,
without that code's consent, and without its `finally`. Nothing here knows Kafka, a hop or a fault.
"""

from __future__ import annotations

import asyncio
import heapq
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context
from itertools import count
from random import Random
from typing import Any, cast

import streams.engine.lanes
import streams.engine.recovery  # noqa: F401 - with all that both lean on: it is to read the loop's clock
from tests.builders import NOON

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
"""Whose callback runs; None is the world: brokers, SES, whoever starts and ends processes."""

OURS = (AttributeError, NameError, TypeError)
"""What a task dies of when this world lacks something, whoever looks at the task or does not."""

WORLD = Context()
"""Where the world's own callbacks run, whoever asks for them."""


class Standstill(Exception):
    """Nothing is ready, and nothing ever will be: what is waited for cannot come."""


class Process:
    """What can die and freeze: the callbacks that run in its context."""

    def __init__(self, name: str) -> None:
        """Begin alive, in a context of its own."""
        self.name = name
        self.is_alive = True
        self.is_frozen = False
        self.frozen_since = 0.0
        self.steps = 0
        self.context: Context = copy_context()
        self.context.run(PROCESS.set, self)
        self._held: list[asyncio.Handle] = []
        self._due: tuple[int, Callable[[], None]] | None = None

    def after(self, steps: int, then: Callable[[], None]) -> None:
        """Do something to it when it has taken so many steps more: in the midst of its work, not between."""
        self._due = self.steps + steps, then

    def calm_down(self) -> None:
        """Forget what was to be done to it."""
        self._due = None

    def may_step(self, handle: asyncio.Handle) -> bool:
        """Tell whether a callback of it may run now; a frozen process keeps it for later."""
        self.steps += 1
        if self._due is not None and self.steps >= self._due[0]:
            then, self._due = self._due[1], None
            then()
        if self.is_frozen:
            self._held.append(handle)
        return self.is_alive and not self.is_frozen

    def kill(self) -> None:
        """End it: nothing of it runs any more."""
        self.is_alive = False
        self._held.clear()

    def thaw(self, loop: Loop) -> None:
        """Let it go on with all that it missed, in any order."""
        self.is_frozen = False
        loop.take_up(self._held)
        self._held = []


class Task(asyncio.Task[Any]):
    """A task with a number: a set of tasks then has the same order in every run of a seed."""

    numbers: Iterator[int] = count()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take the next number; say nothing when it is thrown away unfinished, for that is what a kill is."""
        self._number = next(Task.numbers)
        super().__init__(*args, **kwargs)
        self._log_destroy_pending = False

    def __hash__(self) -> int:
        return self._number

    __eq__ = object.__eq__


class Loop(asyncio.BaseEventLoop):
    """Runs one of what is ready, chosen by *chance*; when nothing is, time goes on to the next timer."""

    _ready: Any
    _scheduled: Any

    def __init__(self, chance: Random) -> None:
        """Begin at 0 seconds, which is noon."""
        super().__init__()
        self.seconds = 0.0
        self.steps = 0
        self.errors: list[BaseException] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self._random = chance.random
        self.set_task_factory(_task)
        self.set_exception_handler(self._keep_error)
        Task.numbers = count()

    def __del__(self) -> None:
        """Say nothing: it has no file to close."""

    def time(self) -> float:
        """Return the seconds since the beginning."""
        return self.seconds

    @property
    def now(self) -> int:
        """Return the time of day, in ms since the epoch."""
        return NOON + int(self.seconds * 1000 + 1e-6)

    def take_up(self, handles: list[asyncio.Handle]) -> None:
        """Make callbacks ready that were put aside."""
        self._ready.extend(handles)

    def start(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run *work* in a process."""
        return self.create_task(work, context=process.context)

    def bury(self) -> None:
        """Let go of what never came to its end: the garbage collector would do so in the midst of another day."""
        for task in self.tasks:
            work = task.get_coro()
            if task.done() and not task.cancelled() and isinstance(task.exception(), OURS):
                self.errors.append(cast("BaseException", task.exception()))
            elif not task.done() and isinstance(work, Coroutine):
                with suppress(RuntimeError):  # it wants to wait for something on its way out
                    work.close()
        self.tasks.clear()

    def _run_once(self) -> None:
        ready = self._ready
        if not ready:
            self._pass_time()
        if len(ready) > 1:
            ready.rotate(-self._choose(ready))
        handle = ready.popleft()
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        self.steps += 1
        if process is None or process.may_step(handle):
            handle._run()

    def _choose(self, ready: Any) -> int:
        """Choose what to run; of callbacks of one future the first is first, for that asyncio promises."""
        chosen = int(self._random() * len(ready))
        args = ready[chosen]._args
        if args and isinstance(args[0], asyncio.Future):
            for place, other in enumerate(ready):
                if other._args and other._args[0] is args[0]:
                    return place
        return chosen

    def _pass_time(self) -> None:
        scheduled = self._scheduled
        while scheduled and (not self._ready or scheduled[0]._when <= self.seconds):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)
            if process is not None and not process.is_alive:
                continue
            self.seconds = max(self.seconds, handle._when)
            self._ready.append(handle)
        if not self._ready:
            raise Standstill

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave it where it is: it is passed over when its time comes."""

    def _write_to_self(self) -> None:
        """Wake nobody: there is one thread."""

    def _keep_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "handle" in context and (error := context.get("exception")) is not None:
            self.errors.append(error)


def _task(
    loop: asyncio.AbstractEventLoop,
    work: Generator[Any, None, Any] | Coroutine[Any, Any, Any],
    context: Context | None = None,
) -> asyncio.Task[Any]:
    task = Task(work, loop=loop, context=context)
    if isinstance(loop, Loop):
        loop.tasks.append(task)
    return task


class Clock:
    """Stands where a module has `time`: the loop's time is the only one."""

    def __init__(self, loop: Loop) -> None:
        """Read *loop*."""
        self._loop = loop

    def time(self) -> float:
        """Return the time of day, in seconds since the epoch."""
        return self._loop.now / 1000

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return self._loop.seconds


@contextmanager
def made_up_time(loop: Loop) -> Iterator[None]:
    """Let all of the engine read the loop's clock, for as long as it lasts."""
    clock = Clock(loop)
    made_up: dict[Any, Any] = {time: clock, time.perf_counter: clock.monotonic, time.monotonic: clock.monotonic}
    for module, name, real in REAL_TIME:
        setattr(module, name, made_up[real])
    try:
        yield
    finally:
        for module, name, real in REAL_TIME:
            setattr(module, name, real)


def _real_time() -> Iterator[tuple[Any, str, Any]]:
    """Yield where the engine's modules read the time, and by what."""
    for module_name in sorted(sys.modules):
        if module_name.startswith("streams.engine."):
            module = sys.modules[module_name]
            for name in ("time", "perf_counter", "monotonic"):
                value = getattr(module, name, None)
                if value is time or value in {time.perf_counter, time.monotonic}:
                    yield module, name, value


REAL_TIME = list(_real_time())

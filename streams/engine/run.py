"""From start to exit code: signals, the order of stopping, and a deadline for a stop that hangs.

Faust's own worker is not used: it can hang in "Stopping" for ever (#324), and its supervisor would restart an agent
that failed and go on past what failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from aiokafka.errors import KafkaError

from streams.engine.refusals import words
from streams.engine.watchdog import Awake, LoopWatch, Watchdog
from streams.errors import BadSettings, SesStreamsError, WorldFailed

if TYPE_CHECKING:
    from streams.engine.app import ChunkApp
    from streams.engine.faustapp import FaustApp
    from streams.engine.producer import ChunkProducer

log = logging.getLogger(__name__)

Step = Callable[[], Awaitable[None]]
LOOK_S = 0.05
COARSE = (50_000, 10, 100)
"""Thresholds of the garbage collector: a chunk makes tens of thousands of objects that live as long as it does, and
with Python's own (700) they are walked again and again, for 7 % of a loaded worker's time."""
NOISY = ("faust", "mode", "aiokafka", "streams.engine.faustapp")
"""They tell every step at INFO; whoever wants that sets their level."""


class Runner:
    """Runs an engine in the calling thread until it is told to stop, or fails."""

    def __init__(self, engine: ChunkApp) -> None:
        """Keep the engine; nothing runs yet."""
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    def request_stop(self) -> None:
        """Ask for a stop, from any thread; a second signal does not wait."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._stop.set)

    def run(self) -> int:
        """Return the exit code: 0 after a clean stop, 1 after a failure. May exit the process when a stop hangs.

        Raises:
            BadSettings: a service cannot start with them.

        """
        loop = self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(self._serve())
        finally:
            self._sweep(loop)
            asyncio.set_event_loop(None)
            loop.close()

    async def _serve(self) -> int:
        self._listen_to_signals()
        for name in NOISY:
            if logging.getLogger(name).level == logging.NOTSET:
                logging.getLogger(name).setLevel(logging.WARNING)
        started: list[Step] = []
        try:
            for start, stop in self._engine.services:
                await start()
                started.append(stop)
            await self._engine.prepare()
            started.append(self._watch())
        except BadSettings:
            await self._stop_in_time(started)
            raise
        except Exception as exc:  # noqa: BLE001 # whatever keeps it from starting ends in an exit code and a sentence
            self._engine.fail(exc, "start")
        else:
            await self._until_told()
        await self._stop_in_time(started)
        return 0 if self._engine.failure is None else 1

    async def _until_told(self) -> None:
        """Start Faust, and wait for a signal, a failure of ours, or a crash of Faust's."""
        engine, frozen = self._engine, not self._engine.config.freeze
        watchdog = Watchdog(engine, engine.config.stall / 1000)
        app = cast("FaustApp", engine.faust)  # prepare() has made it
        starting = asyncio.create_task(app.start())
        while not self._stop.is_set() and engine.failure is None:
            if app.crashed:
                engine.fail(app.crash_reason or RuntimeError("crash"), "Faust")
            elif starting.done() and not starting.cancelled() and (error := starting.exception()) is not None:
                engine.fail(error, "start")
            elif (why := self._silence(app)) is not None:
                engine.fail(why, "brokers")
            elif not frozen and engine.is_running:
                gc.collect()
                gc.freeze()
                gc.set_threshold(*COARSE)
                frozen = True
            watchdog.look(engine.awake.seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_S)
        engine.stopping()

    def _silence(self, app: FaustApp) -> WorldFailed | None:
        """Return what to say when brokers have been silent for too long, while this process was awake."""
        engine, now = self._engine, self._engine.awake.seconds
        patience = engine.config.patience / 1000
        silent = engine.membership.silent_for(now)
        if silent > patience:
            what = f"consumer group: the brokers have not answered for {silent:.0f} s"
            return WorldFailed(f"{what}. Nothing is lost: start again when they do")
        return cast("ChunkProducer", app.producer).overdue(now, patience)

    def _watch(self) -> Step:
        """Have the topics surveyed and the loop watched; return what ends both."""
        engine = self._engine
        survey = asyncio.create_task(engine.survey.run(), name="survey")
        survey.add_done_callback(self._survey_ended)
        beat = asyncio.create_task(_beat(engine.awake), name="beat")
        loop_watch = LoopWatch(engine.awake, engine.config.stall / 500, engine.config.failed_code)
        loop_watch.start()

        async def _end() -> None:
            loop_watch.end()
            survey.cancel()
            beat.cancel()
            await asyncio.wait({survey, beat})

        return _end

    def _survey_ended(self, survey: asyncio.Task[None]) -> None:
        error = None if survey.cancelled() else survey.exception()
        if error is not None:
            self._engine.fail(error, "survey")

    async def _stop_in_time(self, services: list[Step]) -> None:
        stopping = asyncio.create_task(self._stop_all(services))
        done, _ = await asyncio.wait({stopping}, timeout=self._engine.config.stop_timeout / 1000)
        error = _error_of(stopping) if done else None
        if done and error is None:
            return
        if error is None:
            log.error("stopping took longer than %d ms", self._engine.config.stop_timeout)
        else:
            self._engine.fail(error, "stop")
        logging.shutdown()
        # Faust, or a thread of its, hangs; all that was acknowledged is durable.
        os._exit(0 if self._engine.failure is None and self._engine.is_at_rest else self._engine.config.failed_code)

    async def _stop_all(self, services: list[Step]) -> None:
        faust = self._engine.faust
        if faust is not None and faust.started:
            await faust.stop()
        await self._engine.rest()  # where Faust stopped in the midst of a rebalance, it has not seen to it
        self._engine.let_go()
        await self._engine.globals.stop()
        for stop in reversed(services):
            await stop()

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # in a test: request_stop is called
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if self._stop.is_set():
            log.error("told to stop twice: exiting at once")
            os._exit(1)
        log.info("told to stop by %s", signal.Signals(number).name)
        self._stop.set()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=1.0))


def _error_of(ended: asyncio.Task[None]) -> BaseException | None:
    """Return what ended a task; Faust lets a part of it that was called off call off whoever stops it."""
    return asyncio.CancelledError() if ended.cancelled() else ended.exception()


async def _beat(awake: Awake) -> None:
    while True:
        awake.tick()
        await asyncio.sleep(LOOK_S)


def described(error: BaseException) -> str:
    """Return what may be said of an error: our own words, or else its class; another's words may hold an address."""
    if isinstance(error, KafkaError):
        return words(error)
    if isinstance(error, SesStreamsError):
        return str(error)
    return f"{type(error).__name__}. A fault of ours: nothing past it was acknowledged; please report it with its trace"


def where_from(error: BaseException) -> str:
    """Return the error's trace without its words; none where the world failed: what and where is in our words then."""
    return "" if isinstance(error, WorldFailed) else "\n" + "".join(traceback.format_tb(error.__traceback__))

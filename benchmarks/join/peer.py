"""Runs a peer: one program, told all by its environment, which says `begun` and `done` (peers/README.md).

Processor time and memory are the kernel's, at these two moments. Nothing here knows which peer it is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from benchmarks.join.field import Run
from benchmarks.join.ran import Failed, Ran, ran
from benchmarks.measure import Sampler

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
PATIENCE_S = 1800.0
END_S = 60.0
"""So long it may take to end by itself after it is done."""
LAST_WORDS = 15
Words = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How a peer is started; *absent* says why it cannot be, and is empty where it can."""

    command: Callable[[], Words]
    variables: Callable[[], Mapping[str, str]]
    absent: Callable[[], str]

    def why_not(self) -> str:
        """Return why it cannot run here; an empty text where it can."""
        return self.absent()

    def run(self, run: Run) -> Ran:
        """Run it; return the figures.

        Raises:
            Failed: it died, or did not come to an end.

        """
        log = run.home.with_suffix(".log")
        with (
            _started(self.command(), {**environment(run), **self.variables()}, log) as process,
            Sampler(lambda: [process.pid]) as runner,
            Sampler(lambda: [run.broker_pid]) as broker,
        ):
            words = _words(process)
            moments = []
            for word in ("begun", "done"):
                _hear(words, word, log)
                runner.sample(children=True)
                moments.append(broker.sample())
            _await_end(process, runner, log)
        return ran(runner, broker, moments[0], moments[1])


def environment(run: Run) -> dict[str, str]:
    """Return what a peer is told, on top of our own environment."""
    course = run.course
    said = {
        "BROKERS": run.brokers,
        "SENDS": course.topic("sends"),
        "FEEDBACK": course.topic("feedback"),
        "OUTCOMES": course.topic("outcomes"),
        "SUPPRESSIONS": course.topic("suppressions"),
        "GROUP": run.group,
        "DIR": run.home,
        "SCHEMAS": SCHEMAS,
        "MESSAGES": course.workload.messages,
        "FEEDBACKS": course.workload.feedbacks,
    }
    return {**os.environ, **{f"BENCH_{name}": str(value) for name, value in said.items()}}


@contextmanager
def _started(command: Words, variables: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a program in a session of its own, and end all of it whatever happens."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        process.wait()


def _words(process: subprocess.Popen[str]) -> Queue[str]:
    """Return a queue of the lines that it says; an empty one stands for the end."""
    heard: Queue[str] = Queue()

    def listen() -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        for line in process.stdout:
            heard.put(line.strip())
        heard.put("")

    Thread(target=listen, name="listener", daemon=True).start()
    return heard


def _hear(words: Queue[str], word: str, log: Path) -> None:
    try:
        said = words.get(timeout=PATIENCE_S)
    except Empty:
        raise Failed(f"did not say `{word}` within {PATIENCE_S:.0f} s:\n{_last_words(log)}") from None
    if said != word:
        raise Failed(f"did not say `{word}` but {said!r}:\n{_last_words(log)}")


def _await_end(process: subprocess.Popen[str], runner: Sampler, log: Path) -> None:
    """Wait until it has ended by itself, and take a last sample before it is reaped."""
    until = time.monotonic() + END_S
    while (ended := os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
        if time.monotonic() > until:
            raise Failed(f"still runs {END_S:.0f} s after it was done:\n{_last_words(log)}")
        time.sleep(0.02)
    runner.sample()
    if ended.si_code != os.CLD_EXITED or ended.si_status != 0:
        raise Failed(f"ended with {ended.si_status}:\n{_last_words(log)}")


def _last_words(log: Path) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-LAST_WORDS:])

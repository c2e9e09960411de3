"""What an operator does while the world breaks: waits and looks, reads why a worker stopped, starts it again.

No sleep here stands for a fact: what is waited for is looked at.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.faults.process import Worker
from tests.faults.stage import ROOT, Setting, Stage

PATIENCE_S = 60.0
LOOK_S = 0.1
STOPPED_BY_THE_WORLD = 3
"""The worker's exit code."""
QUICK = Setting(park=12)
"""A stage on which feedback waits a short time for its Send, for the end of each test waits as long."""
WHY = "stopping: "
"""Begins the sentence in which a worker says why it ends."""
IMPATIENT = str(ROOT / "tests" / "faults" / "impatient.py")
CARELESS = str(ROOT / "tests" / "faults" / "careless.py")


def wait_until(holds: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> None:
    """Wait until something holds; fail with *what* where it does not."""
    until = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < until, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(LOOK_S)


def stops_loudly(worker: Worker, *words: str, patience: float = PATIENCE_S) -> str:
    """Wait until a worker has ended by itself, and said *words* last; return its sentence."""
    code = worker.wait(patience)
    said = worker.text().rpartition(WHY)[2].partition("\n")[0]
    assert code == STOPPED_BY_THE_WORLD, f"exit code {code}\n{worker.last_words()}"
    missing = [word for word in words if word not in said]
    assert not missing, f"{worker.name} does not say {missing}:\n{worker.last_words()}"
    return said


def stays(worker: Worker, lives: int = 1) -> None:
    """See that a worker is still in its first life, or in that of this number."""
    assert worker.alive, f"{worker.name} has ended: {worker.check()}\n{worker.last_words()}"
    assert worker.lives == lives, f"{worker.name} began {worker.lives} times: {worker.codes}"


def impatient(stage: Stage, name: str = "one", patience: float = 6, **settings: object) -> Worker:
    """Return a worker, started, that gives the world *patience* seconds, and not up to 100: a test has not the time."""
    return run(stage, name, (IMPATIENT, str(int(patience * 1000))), **settings)


def careless(stage: Stage, how: str, name: str = "one", **settings: object) -> Worker:
    """Return a worker, started, that breaks one promise: see careless.py."""
    return run(stage, name, (CARELESS, how), **settings)


def run(stage: Stage, name: str, words: Sequence[str], **settings: object) -> Worker:
    """Return a worker, started, that is another program than the product's own; *settings* as of `Stage.worker`."""
    if name not in stage.workers:
        said = {f"SES_STREAMS_{key.upper()}": str(value) for key, value in settings.items()}
        stage.workers[name] = Worker(name, words, stage._variables() | said, stage.home / "workers" / name)
    return stage.worker(name)


@contextmanager
def started_again(stage: Stage) -> Iterator[None]:
    """Start again whatever worker ends, after a second, as Kubernetes would."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            for worker in stage.workers.values():
                worker.start()

    watching = threading.Thread(target=watch, name="kubernetes", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()

"""What a process takes, by /proc: memory, open files, threads; looked at again and again while a test goes on."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.process import Worker

EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """What a process took at a time (seconds of the monotonic clock): MiB, and numbers."""

    at: float
    memory: float
    files: int
    threads: int


class Gauge:
    """Looks at a worker as long as it is in use; use it in a ``with``."""

    def __init__(self, worker: Worker) -> None:
        """Take note of whom."""
        self.looks: list[Look] = []
        self._worker = worker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gauge", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    @property
    def peak(self) -> float:
        """Return the most memory that was seen, MiB."""
        return max(look.memory for look in self.looks)

    def halves(self, warm: float) -> tuple[list[Look], list[Look]]:
        """Return what was seen in both halves of the time, after *warm* seconds."""
        late = [look for look in self.looks if look.at >= self.looks[0].at + warm]
        return late[: len(late) // 2], late[len(late) // 2 :]

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            with suppress(OSError, KeyError):  # it has just ended
                self._look()

    def _look(self) -> None:
        pid = self._worker.pid
        if pid is None:
            return
        proc = Path(f"/proc/{pid}")
        said = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        memory, threads = int(said["VmRSS"].split()[0]) / 1024, int(said["Threads"])
        self.looks.append(Look(time.monotonic(), memory, len(list((proc / "fd").iterdir())), threads))

"""One of our own commands as a process of its own: started, asked to stop, killed without warning, started again.

What is killed here is the real thing, `python -m streams ...`, and what it had to say is in its log.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from streams.errors import WorldFailed

STOP_TIMEOUT_S = 20.0
LAST_WORDS, MOST_WORDS = 15, 40
"""Lines of its log that a death is reported with: the last ones, and more where it says itself why."""
WHY = " CRITICAL "
KEPT_BACK = ("SES_STREAMS_", "AWS_")
FOR_PEOPLE = {"SES_STREAMS_LOG__FORMAT": "text"}
"""Its last words are shown to people."""


class Process:
    """One process on this machine.

    Args:
        name: what people call it.
        words: the command's own words, after `python -m streams`.
        variables: its settings and what else its environment needs; none of our own settings reach it, and nobody's
            AWS profile.
        log: file for all that it says.

    """

    def __init__(self, name: str, words: Sequence[str], variables: Mapping[str, str], log: Path) -> None:
        """Note it all; nothing runs yet."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(KEPT_BACK)}
        self._environment = {**inherited, **FOR_PEOPLE, **variables}
        self.name, self._words, self.log = name, words, log
        self._process: subprocess.Popen[bytes] | None = None
        self.lives = 0

    def start(self) -> None:
        """Start it, for the first time or again."""
        with _undisturbed(), self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams", *self._words],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its processes in order
            )
        self.lives += 1

    @property
    def pid(self) -> int | None:
        """Return its process id, None while it does not run."""
        return None if self._process is None else self._process.pid

    def check(self) -> None:
        """See that it still runs.

        Raises:
            WorldFailed: it died, and not by our hand; its last words are in the error.

        """
        if self._process is not None and (code := self._process.poll()) is not None:
            raise WorldFailed(f"{self.name} ended by itself with exit code {code}; its log ends:\n{self.last_words()}")

    def kill(self) -> None:
        """Kill it without warning (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int | None:
        """Ask it to stop (SIGTERM), and kill it if it will not; return its exit code, None where it did not run."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def last_words(self) -> str:
        """Return the end of its log, from where it says why it stops, if it does."""
        lines = self.log.read_text(errors="replace").splitlines()
        said = [number for number, line in enumerate(lines) if WHY in line]
        begin = max(said[-1], len(lines) - MOST_WORDS) if said else len(lines) - LAST_WORDS
        return "\n".join(f"  {line}" for line in lines[max(begin, 0) :])


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait: in the middle of a start they would leave a process behind that nobody knows."""
    heard: list[int] = []
    numbers = signal.SIGINT, signal.SIGTERM
    before = [(number, signal.signal(number, lambda this, _: heard.append(this))) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

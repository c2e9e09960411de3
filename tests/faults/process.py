"""A worker as a process: started, stopped, killed, frozen and started again, on a disk that stays its own."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals

STOP_TIMEOUT_S = 40.0
READY_TIMEOUT_S = 90.0
POLL_S = 0.05
_LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Page = dict[str, dict[tuple[tuple[str, str], ...], float]]
"""Metric to labels to value."""


class Worker:
    """One worker.

    Args:
        name: names its directory.
        words: the command.
        variables: its settings, SES_STREAMS_*.
        home: where its data and its log lie; what is there from before is taken up again.

    """

    def __init__(self, name: str, words: Sequence[str], variables: Mapping[str, str], home: Path) -> None:
        """Choose a port; nothing runs yet."""
        home.mkdir(parents=True, exist_ok=True)
        self.name, self.home, self.data, self.log = name, home, home / "data", home / "worker.log"
        self.port = _free_port()
        self._words = words
        own = {"SES_STREAMS_DATA_DIR": str(self.data), "SES_STREAMS_WEB__PORT": str(self.port)}
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SES_STREAMS_", "AWS_"))}
        self._environment = {"SES_STREAMS_LOG__FORMAT": "text", **kept, **variables, **own}  # a test reads it
        self._process: subprocess.Popen[bytes] | None = None
        self.lives = 0
        self.codes: list[int] = []
        """How its lives ended: exit codes, negative where it was killed."""

    def start(self) -> None:
        """Start it, for the first time or again."""
        self.check()
        if self.alive:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._words],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the test, which then ends its workers
            )
        self.lives += 1

    @property
    def pid(self) -> int | None:
        """Return its process id, None while it does not run."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Tell whether it runs, be it frozen."""
        return self._process is not None and self._process.poll() is None

    def check(self) -> int | None:
        """Return the exit code where it has ended by itself since somebody last looked; None otherwise."""
        if self._process is None or self._process.poll() is None:
            return None
        return self._ended()

    def stop(self) -> int:
        """Ask it to stop (SIGTERM), and kill it if it will not; return its exit code."""
        return self._end(SIGTERM)

    def kill(self) -> int:
        """Kill it without warning (SIGKILL); return its exit code."""
        return self._end(SIGKILL)

    def signal(self, number: Signals) -> None:
        """Send it a signal, and do not wait for what comes of it."""
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    def pause(self) -> None:
        """Freeze it (SIGSTOP): its connections stay open, and nothing answers."""
        self.signal(SIGSTOP)

    def go_on(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        self.signal(SIGCONT)

    def wait(self, timeout: float = STOP_TIMEOUT_S) -> int | None:
        """Wait until it has ended by itself; return its exit code, None where it has not."""
        if self._process is None:
            return None
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return self._ended()

    def text(self) -> str:
        """Return its log, of all its lives."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def last_words(self, lines: int = 25) -> str:
        """Return the end of its log."""
        return "\n".join(f"  {line}" for line in self.text().splitlines()[-lines:])

    def ready(self) -> bool:
        """Tell whether it says that it is ready."""
        return self._get("/health/ready") is not None

    def wait_until_ready(self, timeout: float = READY_TIMEOUT_S) -> None:
        """Wait for that.

        Raises:
            RuntimeError: it ended, or took too long; its last words are in the error.
        """
        until = time.monotonic() + timeout
        while not self.ready():
            if not self.alive or time.monotonic() > until:
                raise RuntimeError(f"worker {self.name} is not ready; its log ends:\n{self.last_words()}")
            time.sleep(POLL_S)

    def page(self) -> Page | None:
        """Return its metrics, None where it does not answer."""
        text = self._get("/metrics")
        if text is None:
            return None
        page: Page = {}
        for found in filter(None, map(_LINE.fullmatch, text.splitlines())):
            page.setdefault(found[1], {})[tuple(sorted(_LABEL.findall(found[2] or "")))] = float(found[3])
        return page

    def _get(self, path: str) -> str | None:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1.0)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.read().decode() if answer.status == http.client.OK else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            asked.close()

    def _end(self, number: Signals) -> int:
        if self._process is None:
            return self.codes[-1] if self.codes else 0
        self._process.send_signal(number)
        self._process.send_signal(SIGCONT)  # a frozen one hears nothing
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return self._ended()

    def _ended(self) -> int:
        process, self._process = self._process, None
        code = 0 if process is None else process.wait()
        self.codes.append(code)
        return code


def by_label(page: Page, metric: str, label: str) -> Counter[str]:
    """Return a metric's sums by one label, without zeros."""
    sums = Counter[str]()
    for labels, value in page.get(metric, {}).items():
        sums[dict(labels).get(label, "")] += int(value)
    return +sums


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

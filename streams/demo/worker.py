"""The worker as a process of its own: started with settings in its environment, killed without warning, started again.

What is killed here is the real thing, `python -m streams worker`, and what survives is what it had made durable. Its
data directory stays between lives, as a volume would.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from streams.demo.gauges import Page, fetch_page, is_ready
from streams.errors import WorldFailed

STOP_TIMEOUT_S = 20.0
LAST_WORDS, MOST_WORDS = 15, 40
"""Lines of its log that a worker's death is reported with: the last ones, and more where it says itself why."""
WHY = " CRITICAL "


class Worker:
    """One worker process on this machine.

    Args:
        variables: its settings, SES_STREAMS_*.
        home: directory for its data and its log.

    """

    def __init__(self, variables: Mapping[str, str], home: Path) -> None:
        """Choose a port; nothing runs yet."""
        self.port = _free_port()
        self.log = home / "worker.log"
        ours = {"SES_STREAMS_DATA_DIR": str(home / "data"), "SES_STREAMS_WEB__PORT": str(self.port)}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SES_STREAMS_")}
        self._environment = {**inherited, **variables, **ours}
        self._process: subprocess.Popen[bytes] | None = None
        self._cpu_before = 0.0
        self._cpu_seen = 0.0
        self.lives = 0

    def start(self) -> None:
        """Start it, for the first time or again."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams", "worker"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its worker in order
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
            raise WorldFailed(f"the worker ended by itself with exit code {code}; its log ends:\n{self.last_words()}")

    def ready(self) -> bool:
        """Tell whether it says that it is ready."""
        return is_ready(self.port)

    def page(self) -> Page | None:
        """Return its metrics, None where it does not answer."""
        page = fetch_page(self.port)
        if page is not None:
            self._cpu_seen = page.total("process_cpu_seconds_total")
        return page

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all its lives, as far as its metrics have told."""
        return self._cpu_before + self._cpu_seen

    def kill(self) -> None:
        """Kill it without warning (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._cpu_before, self._cpu_seen = self.cpu_seconds, 0.0

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

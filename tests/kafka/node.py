"""One node of Apache Kafka: a process that is started, stopped, killed, paused, and started again on what it had.

Broker and controller in one (KRaft). It listens on loopback only, and logs into its own directory.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.kafka.jars import jars, java

STOP_TIMEOUT_S = 30.0
LOGGING = """<Configuration status="WARN">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c: %m%n"/></Console></Appenders>
  <Loggers><Root level="INFO"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""
_QUICK = "-XX:TieredStopAtLevel=1"
"""Compile once, quickly: a test's broker lives a minute, and the second compiler would take a core for half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jvm:
    """What a node's Java is told: its memory, and whether to start fast; not where the broker's own speed counts."""

    heap_mb: int = 512
    quick: bool = True

    def options(self) -> list[str]:
        """Return it in Java's words."""
        heap = [f"-Xms{min(self.heap_mb, 128)}m", f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC"]
        return [*heap, _QUICK] if self.quick else heap


class Node:
    """One process of a cluster.

    Args:
        number: its node id.
        home: directory of its log (`broker.log`), its settings and, below, its data.
        properties: Kafka's settings for it; its data directory is added.
        jvm: what its Java is told.

    """

    def __init__(self, number: int, home: Path, properties: Mapping[str, str], jvm: Jvm) -> None:
        """Write it all down; nothing runs yet."""
        self.number, self.home, self.log = number, home, home / "broker.log"
        self._jvm = jvm
        self._process: subprocess.Popen[bytes] | None = None
        self._formatting: subprocess.Popen[bytes] | None = None
        self.data = home / "data"
        home.mkdir(parents=True, exist_ok=True)
        (home / "log4j2.xml").write_text(LOGGING)
        self._settings = home / "server.properties"
        lines = {"node.id": str(number), "log.dirs": str(self.data), **properties}
        self._settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def format(self, cluster_id: str, *words: str) -> None:
        """Begin to make its data directory, unless it has one; `start` waits for it."""
        if (self.data / "meta.properties").exists():
            return
        self._formatting = self._java("kafka.tools.StorageTool", "format", "-t", cluster_id, *words, "-c")

    def start(self) -> None:
        """Start it, for the first time or again; it may not answer yet."""
        if self._formatting is not None:
            code, self._formatting = self._formatting.wait(STOP_TIMEOUT_S), None
            if code != 0:
                raise RuntimeError(f"node {self.number} could not be formatted:\n{self.last_words()}")
        if not self.is_alive():
            self._process = self._java("kafka.Kafka")

    @property
    def pid(self) -> int | None:
        """Return its process id, None while it does not run."""
        return None if self._process is None else self._process.pid

    def is_alive(self) -> bool:
        """Tell whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop it in order (SIGTERM): it hands over its partitions and closes its logs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it (SIGKILL): what the operating system has of its files stays."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def last_words(self, lines: int = 20) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)  # a frozen one hears nothing
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _java(self, main: str, *words: str) -> subprocess.Popen[bytes]:
        logging = f"-Dlog4j2.configurationFile={self.home / 'log4j2.xml'}"
        options = [*self._jvm.options(), logging, "-cp", f"{jars()}/*"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [java(), *options, main, *words, str(self._settings)],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever started the cluster, who stops it in order
            )

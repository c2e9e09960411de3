"""A line to S3 that breaks: whatever asks through it is cut off after so many bytes, as often as is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self
from urllib.parse import urlsplit

_PIECE = 16 * 1024


class BreakingLine:
    """Passes bytes to a server on this machine and back; used in a ``with``."""

    def __init__(self, server: str) -> None:
        """Lead to *server*, a URL."""
        parts = urlsplit(server)
        self._to = (parts.hostname or "", parts.port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.after = 0
        """After how many bytes of an answer to break; 0 never."""
        self.times = 0
        """How often it still breaks."""
        self.broke = 0
        """How often it broke."""
        self.passed = 0
        """How many bytes of answers passed."""
        self.asked: list[bytes] = []
        """The heads of the requests."""
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _spawn(self, work: object, *words: object) -> None:
        threading.Thread(target=work, args=words, daemon=True).start()  # type: ignore[arg-type]  # methods of ours

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._to)
                self._spawn(self._ask, client, server)
                self._spawn(self._answer, server, client)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE):
                self.asked.append(data)
                server.sendall(data)
        self._end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                if self.after and self.times and passed + len(data) > self.after:
                    client.sendall(data[: max(self.after - passed, 0)])
                    self.times -= 1
                    self.broke += 1
                    break
                passed += len(data)
                client.sendall(data)
                self.passed += len(data)
        self._end(server, client)

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

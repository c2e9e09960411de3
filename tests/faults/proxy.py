"""A bad network on loopback: all that a worker says to the broker, and hears from it, goes through here.

What is between the two is set while they talk: how slow, in how small pieces, which direction is dark, and when a
connection breaks in the middle of what it carries. Nothing is ever lost or turned round within a connection, for TCP
does not do that either: what is held back comes later, or the connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from tests.kafka.cluster import Cluster

START_TIMEOUT_S = 10.0
LOOK_S = 0.02
AT_A_TIME = 1 << 16
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends RST, as a peer that crashed would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What the network does.

    Args:
        latency: seconds that each byte is on its way, each way.
        jitter: as many more, or up to; never so that bytes overtake each other.
        piece: most bytes that leave at a time; 0 for as many as came.
        dark_up: what the worker says is held back.
        dark_down: what the broker says is held back.
        deaf: a new connection is accepted, and nobody is behind it, for as long as it lasts.

    """

    latency: float = 0.0
    jitter: float = 0.0
    piece: int = 0
    dark_up: bool = False
    dark_down: bool = False
    deaf: bool = False


FINE = Weather()


class Proxy:
    """Listens on *port* of loopback, and talks on to *behind*; use it in a ``with``."""

    def __init__(self, port: int, behind: int, seed: int) -> None:
        """Begin in fine weather; nothing runs yet."""
        self.weather = FINE
        self.address = f"127.0.0.1:{port}"
        self.resets = self.connections = 0
        """How many connections have been cut, and how many there have been."""
        self._port, self._behind = port, behind
        self._chance = Random(f"network {seed}")
        self._to_cut = 0
        self._began = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        if not self._began.wait(START_TIMEOUT_S):
            raise RuntimeError(f"the proxy does not listen on {self._port}")
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Cut all that is open, and listen no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self, connections: int = 1) -> None:
        """Break the next connections that carry something, in the middle of it."""
        self._to_cut += connections

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", self._port))
        self._began.set()
        self._loop.run_forever()
        server.close()
        for task in self._open:
            task.cancel()
        self._loop.run_until_complete(_all(self._open))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await (self._swallow(reader) if self.weather.deaf else self._join(reader, writer))
        writer.transport.abort()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(AT_A_TIME):
            pass

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            await _first(self._carry(reader, before, up=True), self._carry(behind, writer, up=False))
        finally:
            _reset(writer)
            before.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        """Carry one direction, until it ends or is cut."""
        _at_once(writer)
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        await _first(self._take(reader, line), self._give(line, writer, up=up))

    async def _take(self, reader: asyncio.StreamReader, line: asyncio.Queue[tuple[float, bytes]]) -> None:
        due = 0.0
        while data := await reader.read(AT_A_TIME):
            weather = self.weather
            late = weather.latency + self._chance.random() * weather.jitter
            due = max(due, self._loop.time() + late)
            line.put_nowait((due, data))
        line.put_nowait((due, b""))

    async def _give(self, line: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, up: bool) -> None:
        while True:
            due, data = await line.get()
            await asyncio.sleep(max(due - self._loop.time(), 0))
            while self.weather.dark_up if up else self.weather.dark_down:  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(LOOK_S)
            if not data:
                return
            if self._to_cut and len(data) > 1:
                self._to_cut -= 1
                self.resets += 1
                writer.write(data[: self._chance.randrange(1, len(data))])
                await writer.drain()
                return
            await self._write(writer, data)

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        piece = self.weather.piece or len(data)
        for begin in range(0, len(data), piece):
            writer.write(data[begin : begin + piece])
            await writer.drain()
            if piece < len(data):
                await asyncio.sleep(0)


def cluster_behind(home: Path, seed: int) -> tuple[Cluster, Proxy]:
    """Return a broker with a second door, which leads through the proxy; neither runs yet.

    Whoever asks at `Cluster.brokers` stays there; whoever asks at `Proxy.address`, there.
    """
    plain, controller, hidden, shown = _free_ports(4)
    config = {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": ",".join(
            f"{name}://127.0.0.1:{port}"
            for name, port in (("PLAINTEXT", plain), ("CONTROLLER", controller), ("FAR", hidden))
        ),
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},FAR://127.0.0.1:{shown}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FAR:PLAINTEXT",
    }
    return Cluster(home, config=config, ports=(plain,)), Proxy(shown, hidden, seed)


async def _first(*sides: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends; then end the others."""
    tasks = {asyncio.ensure_future(side) for side in sides}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await _all(tasks)


async def _all(tasks: set[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _at_once(writer: asyncio.StreamWriter) -> None:
    """Have each write leave by itself."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Have the end of this connection look like a crash."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()

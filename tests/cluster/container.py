"""One container as a process of this machine: its words, its environment, its volumes, its probes.

What a kernel would hold it to (its user, its read-only root, its memory) is not held here; tests/chart reads that in
the manifests, and admission in the API server does.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.cluster.network import resolved

Object = dict[str, Any]
COMMAND = Path(sys.executable).parent / "ses-streams"
ROOT = Path(__file__).resolve().parents[2]
EVERY_S = 1.0
NOT_AN_ADDRESS = "SES_STREAMS_WEB__HOSTS"
"""Names that a worker answers to, and never asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a pod gives its containers: where it is, what names lead to, and what is mounted where."""

    home: Path
    address: str
    known: dict[str, str]
    volumes: Mapping[str, Path]

    def local(self, text: str, mounts: Mapping[str, Path]) -> str:
        """Return a word of the container's as this machine must read it."""
        text = resolved(text, {**self.known, "0.0.0.0": self.address, "localhost": self.address})  # noqa: S104 - never listened on
        for path, place in mounts.items():
            if text == path or text.startswith(f"{path}/"):
                return str(place) + text.removeprefix(path)
        return text


@dataclass(slots=True)
class Probe:
    """One probe: what it asks, when it last did, and since when it says no.

    It is asked every second, to save a test's time; how long it may say no is what the manifest allows.
    """

    words: Object
    ports: Mapping[str, int]
    address: str
    asked: float = field(default_factory=time.monotonic)
    since: float | None = None

    def due(self) -> bool:
        """Tell whether it is time."""
        return time.monotonic() - self.asked >= EVERY_S

    def ask(self) -> bool:
        """Return whether it is answered well."""
        self.asked = time.monotonic()
        timeout = float(self.words.get("timeoutSeconds", 1))
        well = self._http(timeout) if "httpGet" in self.words else self._tcp(timeout)
        self.since = None if well else self.since or self.asked
        return well

    @property
    def has_failed(self) -> bool:
        """Tell whether it has said no for as long as it may."""
        allowed = int(self.words.get("failureThreshold", 3)) * int(self.words.get("periodSeconds", 10))
        return self.since is not None and time.monotonic() - self.since >= allowed

    def _http(self, timeout: float) -> bool:
        asked = self.words["httpGet"]
        connection = HTTPConnection(self.address, self._port(asked["port"]), timeout=timeout)
        try:
            connection.request("GET", asked["path"])
            return 200 <= connection.getresponse().status < 400
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _tcp(self, timeout: float) -> bool:
        try:
            socket.create_connection((self.address, self._port(self.words["tcpSocket"]["port"])), timeout).close()
        except OSError:
            return False
        return True

    def _port(self, said: str | int) -> int:
        return said if isinstance(said, int) else self.ports[said]


class Container:
    """A container of a pod; it may be started again after it has ended."""

    def __init__(self, spec: Object, environment: Mapping[str, str], around: Surroundings) -> None:
        """Find its words; nothing runs yet."""
        self.spec, self.name = spec, str(spec["name"])
        self.log = around.home / f"{self.name}.log"
        self._around = around
        mounts = {one["mountPath"]: around.volumes[one["name"]] for one in spec.get("volumeMounts", [])}
        self._words = [*_program(spec), *(around.local(word, mounts) for word in spec.get("args", []))]
        said = {
            name: value if name == NOT_AN_ADDRESS else around.local(value, mounts)
            for name, value in environment.items()
        }
        own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(around.home), "POD_IP": around.address}
        self._environment = own | {"TMPDIR": str(mounts.get("/tmp", around.home))} | said  # noqa: S108 - as it is called in the container
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts, self.code = 0, 0
        self.started = self.ready = False
        self._probes: dict[str, Probe] = {}

    def start(self) -> None:
        """Start it, for the first time or again."""
        ports = {one["name"]: one["containerPort"] for one in self.spec.get("ports", []) if "name" in one}
        self._probes = {
            kind: Probe(self.spec[f"{kind}Probe"], ports, self._around.address)
            for kind in ("startup", "readiness", "liveness")
            if f"{kind}Probe" in self.spec
        }
        self.started, self.ready = "startup" not in self._probes, not self._probes
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._words, env=self._environment, cwd=self._around.home, stdout=log, stderr=log
            )

    def has_ended(self) -> bool:
        """Tell whether it ran, and no longer does; its exit code is *code* then."""
        if self.process is None or self.process.poll() is None:
            return False
        self.code, self.ready, self.started = int(self.process.returncode), False, False
        return True

    def probe(self) -> bool:
        """Ask what is due; return False where the container must be started again."""
        if not self.started:
            startup = self._probes["startup"]
            if startup.due() and startup.ask():
                self.started = True
            return not startup.has_failed
        readiness, liveness = self._probes.get("readiness"), self._probes.get("liveness")
        if readiness is None:
            self.ready = True
        elif readiness.due():
            self.ready = readiness.ask() or (self.ready and not readiness.has_failed)
        if liveness is not None and liveness.due():
            liveness.ask()
        return liveness is None or not liveness.has_failed

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self, until: float) -> bool:
        """Wait until it has ended, or *until* then and kill it; return whether it ended by itself."""
        if self.process is None:
            return True
        try:
            self.code = self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.code = self.process.wait()
            return False
        return True

    def status(self) -> Object:
        """Return it as a kubelet reports it."""
        running = self.process is not None and self.process.poll() is None
        state: Object = {"waiting": {"reason": "PodInitializing"}} if self.process is None else {"running": {}}
        if self.process is not None and not running:
            state = {"terminated": {"exitCode": self.code & 0xFF, "reason": "Completed" if self.code == 0 else "Error"}}
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": "",
            "ready": self.ready and running,
            "started": self.started and running,
            "restartCount": self.restarts,
            "state": state,
        }


def _program(spec: Object) -> list[str]:
    """Return what an image runs: ours the command, Kafka's a broker out of its jars."""
    image = str(spec["image"]).partition("@")[0].partition(":")[0]
    if image == "ses-streams":
        return [str(COMMAND)]
    if image == "apache/kafka":
        return [sys.executable, str(Path(__file__).with_name("kafka_image.py")), str(ROOT)]
    raise RuntimeError(f"no such image here: {spec['image']}")

"""One pod as a kubelet runs it: containers that run first, the others, probes, the way it stops, and what is reported.

It knows its own pod only; which pods there are is kubelet.py's.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.chart.environment import environment
from tests.cluster.api import MERGE, NOT_FOUND, Api, Object, Refused
from tests.cluster.container import Container, Surroundings
from tests.cluster.network import here, names

TICK_S = 0.1
AGAIN_S = 1.0
"""How soon a container that ended is started again; a real kubelet waits from ten seconds on."""


class PodRun:
    """A pod that runs here; *tell* hears what becomes of it."""

    def __init__(self, api: Api, pod: Object, address: str, home: Path, tell: Callable[[str, Object], None]) -> None:
        """Begin, in a thread of its own."""
        self._api, self.pod, self._address, self._tell = api, pod, address, tell
        self._claims = home / "claims"
        self.home: Path = home / pod["metadata"]["namespace"] / pod["metadata"]["name"] / pod["metadata"]["uid"][:8]
        self.home.mkdir(parents=True)
        self._path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        self._stopping = threading.Event()
        self._grace = 0.0
        self._init: list[Container] = []
        self._containers: list[Container] = []
        self._reported: Object = {}
        self._begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=pod["metadata"]["name"], daemon=True)
        self.thread.start()

    def stop(self, grace: float) -> None:
        """Let it stop within *grace* seconds; a second time changes nothing."""
        self._grace = grace
        self._stopping.set()

    def signal(self, number: int) -> None:
        """Send a signal to what runs in it."""
        for container in self._containers:
            assert container.process is not None
            container.process.send_signal(number)

    def log(self, container: str) -> bytes:
        """Return what a container has said."""
        return (self.home / f"{container}.log").read_bytes()

    def _run(self) -> None:
        try:
            self._report("Pending")
            self._make()
            phase = self._live()
            if phase:
                self._report(phase)
                self._tell(phase, self.pod)
                self._stopping.wait()
            self._end()
        except BaseException as exc:  # noqa: BLE001 - a thread's failure is the test's
            self.failure = exc
        finally:
            for one in [*self._init, *self._containers]:
                one.end(0.0)

    def _make(self) -> None:
        spec, namespace = self.pod["spec"], self.pod["metadata"]["namespace"]
        around = Surroundings(
            home=self.home,
            address=here(self._address),
            known=names(self._api, namespace),
            volumes={one["name"]: self._volume(one) for one in spec.get("volumes", [])},
        )
        name = self.pod["metadata"]["name"]

        def made(container: Object) -> Container:
            return Container(container, environment(container, name, self._secret), around)

        self._init = [made(one) for one in spec.get("initContainers", [])]
        self._containers = [made(one) for one in spec["containers"]]

    def _live(self) -> str:
        """Run until all is done, and return the phase; or until it must stop, and return nothing."""
        always = self.pod["spec"].get("restartPolicy", "Always") == "Always"
        for container in self._init:
            while not self._first(container):
                if self._stopping.is_set():
                    return ""
                if not always:
                    return "Failed"
                self._stopping.wait(AGAIN_S)
                container.restarts += 1
        for container in self._containers:
            container.start()
        self._tell("started", self.pod)
        while not self._stopping.wait(TICK_S):
            if not always and all(one.has_ended() for one in self._containers):
                return "Failed" if any(one.code for one in self._containers) else "Succeeded"
            for container in self._containers:
                self._look_after(container, always=always)
            self._report("Running")
        return ""

    def _first(self, container: Container) -> bool:
        container.start()
        self._report("Pending")
        while not container.has_ended():
            if self._stopping.wait(TICK_S):
                return False
        self._report("Pending")
        return container.code == 0

    def _look_after(self, container: Container, *, always: bool) -> None:
        if container.has_ended():
            if always:
                self._tell(f"{container.name} ended with {container.code}", self.pod)
                self._stopping.wait(AGAIN_S)
                container.restarts += 1
                container.start()
        elif not container.probe():
            self._tell(f"{container.name} failed a probe", self.pod)
            container.ask_to_stop()
            container.end(time.monotonic() + self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    def _end(self) -> None:
        """Stop as a pod must: what comes before, SIGTERM, the time to stop in, SIGKILL; then it is gone."""
        self._tell("stopping", self.pod)
        until = time.monotonic() + self._grace
        for container in self._containers:
            time.sleep(container.spec.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0))
            container.ask_to_stop()
        for container in self._containers:
            alone = container.end(until)
            self._tell(
                f"{container.name} ended with {container.code}" if alone else f"{container.name} was killed", self.pod
            )
        self._report("Failed" if any(one.code for one in self._containers) else "Succeeded")
        with suppress(Refused):  # gone already
            self._api.ask("DELETE", f"{self._path}?gracePeriodSeconds=0")
        self._tell("gone", self.pod)

    def _volume(self, volume: Object) -> Path:
        """Return the directory of a volume, filled where it is a Secret."""
        place: Path = self.home / "volumes" / str(volume["name"])
        if "persistentVolumeClaim" in volume:
            place = self._claims / self.pod["metadata"]["namespace"] / volume["persistentVolumeClaim"]["claimName"]
        elif "secret" not in volume and "emptyDir" not in volume:
            raise RuntimeError(f"no such volume here: {volume}")
        place.mkdir(parents=True, exist_ok=True)
        for key, value in self._data(volume["secret"]["secretName"]).items() if "secret" in volume else ():
            (place / key).write_bytes(base64.b64decode(value))
        return place

    def _secret(self, of: Mapping[str, Any]) -> str:
        return base64.b64decode(self._data(of["name"])[of["key"]]).decode()

    def _data(self, secret: str) -> dict[str, str]:
        found: dict[str, str] = self._api.ask("GET", f"{self._path.partition('/pods/')[0]}/secrets/{secret}")["data"]
        return found

    def _report(self, phase: str) -> None:
        """Say how it is, where that has changed."""
        ready = phase == "Running" and all(one.ready for one in self._containers)
        status = {
            "phase": phase,
            "hostIP": "127.0.0.1",
            "podIP": self._address,
            "podIPs": [{"ip": self._address}],
            "startTime": self._begun,
            "initContainerStatuses": [one.status() for one in self._init],
            "containerStatuses": [one.status() for one in self._containers],
        }
        if status | {"ready": ready} == self._reported:
            return
        if ready and not self._reported.get("ready"):
            self._tell("ready", self.pod)
        elif self._reported.get("ready") and not ready and phase == "Running":
            self._tell("not ready", self.pod)
        self._reported = status | {"ready": ready}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [
            {"type": kind, "status": "True" if true else "False", "lastTransitionTime": now}
            for kind, true in [
                ("PodScheduled", True),
                ("Initialized", phase != "Pending"),
                ("ContainersReady", ready),
                ("Ready", ready),
            ]
        ]
        try:
            self._api.ask("PATCH", f"{self._path}/status", {"status": status | {"conditions": conditions}}, MERGE)
        except Refused as refused:
            if refused.status != NOT_FOUND:
                raise

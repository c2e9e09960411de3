"""The one node: it takes pods that have no place yet, runs them (pod.py), and hands out what containers say.

It takes those of namespaces that enforce Pod Security "restricted": no pod there may ask for more than a process has.
Scheduler, kubelet and proxy in one, as far as the chart's tests need them; claims of volumes are never bound, since
nobody looks.
"""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster.api import CONFLICT, MERGE, NOT_FOUND, Api, Object, Refused
from tests.cluster.network import Network
from tests.cluster.pod import PodRun

NAME = "here"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
POLL_S = 0.2
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that became of a pod."""

    namespace: str
    pod: str
    what: str


class Kubelet:
    """Use it in a ``with``; *seen* is what became of pods, in order."""

    def __init__(self, api: Api, network: Network, home: Path, certificates: Path) -> None:
        """Take a port for those who ask for logs."""
        self._api, self._network, self._home = api, network, home
        self.seen: list[Seen] = []
        self._runs: dict[str, PodRun] = {}
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._server = _logs(self, certificates)
        self._thread = threading.Thread(target=self._run, name="kubelet", daemon=True)

    def __enter__(self) -> Self:
        """Join the cluster."""
        port = self._server.server_address[1]
        labels = {"kubernetes.io/hostname": NAME, "kubernetes.io/os": "linux"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME, "labels": labels}}
        self._api.ask("POST", "/api/v1/nodes", node)
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        self._api.ask("PATCH", f"/api/v1/nodes/{NAME}/status", {"status": status}, MERGE)
        threading.Thread(target=self._server.serve_forever, name="logs", daemon=True).start()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End all pods, at once; what failed in a thread is raised, where nothing else is."""
        self._over.set()
        self._thread.join(PATIENCE_S)
        for run in self._runs.values():
            run.stop(0.0)
        for run in self._runs.values():
            run.thread.join(PATIENCE_S)
        self._server.shutdown()
        self._server.server_close()
        failures = [self._failure, *(run.failure for run in self._runs.values())]
        for failure in failures:
            if failure is not None and exc is None:
                raise failure

    def seen_in(self, namespace: str, part: str = "") -> list[Seen]:
        """Return what became of the pods of one namespace, or of those with *part* in their name."""
        return [one for one in self.seen if one.namespace == namespace and part in one.pod]

    def of(self, namespace: str, name: str) -> PodRun | None:
        """Return the newest run of a pod by that name."""
        mine = [one for one in self._runs.values() if _place(one.pod) == (namespace, name)]
        return mine[-1] if mine else None

    def _run(self) -> None:
        try:
            while not self._over.wait(POLL_S):
                with suppress(ConnectionError):  # the API server begins to end
                    self._network.look(self._api)
                    self._look()
        except BaseException as exc:  # noqa: BLE001 - a thread's failure is the test's
            self._failure = exc

    def _look(self) -> None:
        spaces = {one["metadata"]["name"] for one in self._api.list("/api/v1/namespaces", labelSelector=RESTRICTED)}
        pods = [pod for pod in self._api.list("/api/v1/pods") if pod["metadata"]["namespace"] in spaces]
        there = {pod["metadata"]["uid"]: pod for pod in pods}
        for uid, pod in there.items():
            if uid in self._runs:
                if "deletionTimestamp" in pod["metadata"]:
                    self._runs[uid].stop(float(pod["metadata"].get("deletionGracePeriodSeconds", 30)))
            elif "deletionTimestamp" not in pod["metadata"]:
                self._take(pod)
        for uid in self._runs.keys() - there.keys():
            self._runs[uid].stop(0.0)  # deleted by force, or gone

    def _take(self, pod: Object) -> None:
        namespace, name = _place(pod)
        target = {"apiVersion": "v1", "kind": "Node", "name": NAME}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
        try:
            self._api.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/binding", binding)
        except Refused as refused:
            if refused.status in {NOT_FOUND, CONFLICT}:
                return  # deleted meanwhile
            raise
        run = PodRun(self._api, pod, self._network.address(), self._home, self._tell)
        self._runs[pod["metadata"]["uid"]] = run

    def _tell(self, what: str, pod: Object) -> None:
        self.seen.append(Seen(*_place(pod), what))


def _place(pod: Object) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _logs(kubelet: Kubelet, certificates: Path) -> ThreadingHTTPServer:
    """Return a server of containers' logs, where the API server fetches them for `helm test --logs`."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            words = self.path.partition("?")[0].strip("/").split("/")
            run = kubelet.of(words[1], words[2]) if words[0] == "containerLogs" and len(words) == 4 else None
            body = b"" if run is None else run.log(words[3])
            self.send_response(404 if run is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "apiserver.crt", certificates / "apiserver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server

"""A control plane on this machine: etcd, kube-apiserver and kube-controller-manager, as they are, on loopback.

    with ControlPlane(directory, programs) as plane:
        plane.api.ask("GET", "/version")
        plane.kubeconfig     # for helm and kubectl

Everybody who has the token may do everything. There are no nodes and no scheduler: kubelet.py is both.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cluster.api import Api, Object, Refused
from tests.cluster.network import Network
from tests.kafka.cluster import free_ports

PATIENCE_S = 120.0
POLL_S = 0.2
CONTROLLERS = (
    "deployment,replicaset,statefulset,job,disruption,endpointslice,serviceaccount,garbage-collector,namespace,"
    "persistentvolumeclaim-protection"
)


class ControlPlane:
    """Use it in a ``with``; *home* has its logs."""

    def __init__(self, home: Path, programs: Path, network: Network) -> None:
        """Choose ports and make keys; nothing runs yet."""
        self.home, self.programs, self._network = home, programs, network
        self._etcd, self._peers, self._port = free_ports(3)
        self._token = secrets.token_urlsafe(24)
        self._running = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.certificates = home / "certificates"
        self.kubeconfig = home / "kubeconfig"
        home.mkdir(parents=True, exist_ok=True)

    @cached_property
    def api(self) -> Api:
        """Return its API; not before it has made its certificate."""
        return Api(self._port, self.certificates / "apiserver.crt", self._token)

    def __enter__(self) -> Self:
        """Start all, and wait until each answers."""
        try:
            self._start("etcd", self._etcd_words())
            self._start("kube-apiserver", self._apiserver_words())
            self._until(self._ready, "kube-apiserver is not ready")
            self._write_kubeconfig()
            self._start("kube-controller-manager", self._controllers_words())
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End them, the last first."""
        self._running.close()

    def define(self, definitions: Iterable[Object]) -> None:
        """Bring in custom resources, and wait until each is served."""
        for one in definitions:
            made = self.api.apply(one, "")
            path = self.api.path_of(made, "")
            self._until(partial(self._is_served, path), f"{path} is not served")

    def namespace(self, name: str, *, restricted: bool = False) -> str:
        """Make a namespace, and wait for its service account; return its name."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"} if restricted else {}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self.api.ask("POST", "/api/v1/namespaces", body)
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        self._until(partial(self._is_there, account), f"no service account in {name}")
        return name

    def _start(self, name: str, words: list[str]) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(self.programs), name, *words], cwd=self.home, stdout=log, stderr=log, start_new_session=True
            )
        self._processes[name] = process
        self._running.callback(process.wait)
        self._running.callback(process.kill)

    def _until(self, done: Callable[[], bool], complaint: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not done():
            dead = [name for name, process in self._processes.items() if process.poll() is not None]
            if dead or time.monotonic() > until:
                name = (dead or list(self._processes))[-1]
                words = (self.home / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{complaint}; {name} says:\n{words}")
            time.sleep(POLL_S)

    def _ready(self) -> bool:
        try:
            self.api.text("/readyz")
        except (OSError, Refused):  # no certificate, no port, or not yet
            return False
        return True

    def _is_there(self, path: str) -> bool:
        return self.api.find(path) is not None

    def _is_served(self, path: str) -> bool:
        conditions = self.api.ask("GET", path).get("status", {}).get("conditions") or []
        return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)

    def _etcd_words(self) -> list[str]:
        here, peers = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peers}"
        return [
            f"--data-dir={self.home / 'etcd'}",
            f"--listen-client-urls={here}",
            f"--advertise-client-urls={here}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver_words(self) -> list[str]:
        key, tokens = self.home / "accounts.pem", self.home / "tokens.csv"
        key.write_bytes(_key())
        tokens.write_text(f"{self._token},tests,tests,system:masters\n", encoding="utf-8")
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={self.certificates}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=AlwaysAllow",
            "--anonymous-auth=false",
            f"--service-cluster-ip-range={self._network.services}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--endpoint-reconciler-type=none",  # a Service for itself would need an address that is not loopback
            "--profiling=false",
        ]

    def _controllers_words(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(f'{name}-controller' for name in CONTROLLERS.split(','))}",
            "--leader-elect=false",
            "--secure-port=0",
            "--profiling=false",
        ]

    def _write_kubeconfig(self) -> None:
        server = {
            "server": f"https://127.0.0.1:{self._port}",
            "certificate-authority": str(self.certificates / "apiserver.crt"),
        }
        whole = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": server}],
            "users": [{"name": "tests", "user": {"token": self._token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "tests"}}],
            "current-context": "here",
        }
        self.kubeconfig.write_text(yaml.safe_dump(whole), encoding="utf-8")


def _key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

"""A cluster's network on loopback: each pod an address of its own, each Service one that leads to a ready pod.

Kubernetes takes no loopback address for a pod. So the API hears of 10.X.Y.Z, and processes listen on 127.X.Y.Z; X is
this network's alone, so that several may be on one machine. Ports are those of the containers. Linux has all of
127.0.0.0/8; elsewhere there is only 127.0.0.1, and so no cluster.
"""

from __future__ import annotations

import random
import re
import select
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.cluster.api import Api, Object

PORT_OF_ALL = 65_001
"""Who listens on it at the network's first address has the network."""
LATE_S = 2.0
"""So long a pod that is not ready any more still gets connections: proxies of other nodes hear of it late."""
_CHUNK = 65_536


class Network:
    """Use it in a ``with``."""

    def __init__(self) -> None:
        """Choose a network that nobody has."""
        self._held = socket.socket()
        for number in random.sample(range(2, 250), 50):
            with suppress(OSError):
                self._held.bind((f"127.{number}.0.1", PORT_OF_ALL))
                break
        else:
            raise RuntimeError("no network is free: 127.2.0.1 and those after it cannot be had")
        self._number = number
        self._last = 10
        self._lock = threading.Lock()
        self._doors: dict[tuple[str, int], _Door] = {}

    @property
    def services(self) -> str:
        """Return the range of the Services' addresses, as the API hears of it."""
        return f"10.{self._number}.255.0/24"

    def address(self) -> str:
        """Return a pod's address, as the API hears of it."""
        with self._lock:
            self._last += 1
            return f"10.{self._number}.{self._last // 250}.{self._last % 250 + 1}"

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Close all doors."""
        for door in self._doors.values():
            door.close()
        self._held.close()

    def look(self, api: Api) -> None:
        """Open a door for each port of each Service, and lead it to the pods that are ready now."""
        slices = api.list("/apis/discovery.k8s.io/v1/endpointslices")
        wanted: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for service in api.list("/api/v1/services"):
            address = service["spec"].get("clusterIP", "None")
            if address == "None":
                continue
            for port in service["spec"].get("ports", []):
                wanted[here(address), port["port"]] = list(_ready(service, port.get("name"), slices))
        for place in self._doors.keys() - wanted.keys():
            self._doors.pop(place).close()
        for place, pods in wanted.items():
            if place not in self._doors:
                self._doors[place] = _Door(place)
            self._doors[place].heard(pods)


def here(address: str) -> str:
    """Return where what the API knows by *address* really is."""
    return "127." + address.partition(".")[2]


def names(api: Api, namespace: str) -> dict[str, str]:
    """Return the names that a pod's resolver would know, the longest first, and where each really is."""
    found: dict[str, str] = {}
    for service in api.list(f"/api/v1/namespaces/{namespace}/services"):
        address, name = service["spec"].get("clusterIP", "None"), service["metadata"]["name"]
        if address != "None":
            found |= dict.fromkeys(_spelt(name, namespace), here(address))
    for pod in api.list(f"/api/v1/namespaces/{namespace}/pods"):
        address, domain = pod.get("status", {}).get("podIP"), pod["spec"].get("subdomain")
        if address and domain:
            found |= dict.fromkeys(_spelt(f"{pod['metadata']['name']}.{domain}", namespace), here(address))
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def resolved(text: str, known: dict[str, str]) -> str:
    """Put addresses in for names."""
    for name, address in known.items():
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", address, text)
    return text


def _spelt(name: str, namespace: str) -> list[str]:
    return [f"{name}.{namespace}.svc.cluster.local", f"{name}.{namespace}.svc", f"{name}.{namespace}", name]


def _ready(service: Object, port: str | None, slices: list[Object]) -> list[tuple[str, int]]:
    mine = service["metadata"]["namespace"], service["metadata"]["name"]
    return [
        (here(endpoint["addresses"][0]), number["port"])
        for one in slices
        if (one["metadata"]["namespace"], one["metadata"]["labels"].get("kubernetes.io/service-name")) == mine
        for number in one.get("ports") or []
        if (number.get("name") or None) == port
        for endpoint in one.get("endpoints") or []
        if endpoint["conditions"].get("ready")
    ]


class _Door:
    """A port of a Service: every connection goes to one of its pods; where there is none, it is closed."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._pods: dict[tuple[str, int], float] = {}
        self._socket = socket.create_server(place)
        threading.Thread(target=self._open, name=f"door {place}", daemon=True).start()

    def heard(self, pods: list[tuple[str, int]]) -> None:
        now = time.monotonic()
        self._pods |= dict.fromkeys(pods, now)
        self._pods = {pod: last for pod, last in self._pods.items() if last > now - LATE_S}

    def close(self) -> None:
        with suppress(OSError):  # shut already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _open(self) -> None:
        while True:
            try:
                guest, _ = self._socket.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._lead, args=(guest,), daemon=True).start()

    def _lead(self, guest: socket.socket) -> None:
        with guest, suppress(OSError):  # whoever hangs up ends both
            if pods := list(self._pods):
                with socket.create_connection(random.choice(pods), timeout=5) as host:
                    _carry(guest, host)


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side is done."""
    to = {one: other, other: one}
    other.settimeout(None)
    while True:
        for side in select.select([one, other], [], [])[0]:
            said = side.recv(_CHUNK)
            if not said:
                return
            to[side].sendall(said)

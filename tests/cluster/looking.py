"""What tests look at in a cluster: a Service by its name, what a release has left, in what order pods went."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from urllib.request import Request, urlopen

from tests.cluster.api import Api, Object
from tests.cluster.kubelet import Seen
from tests.cluster.network import here

PATIENCE_S = 60.0
POLL_S = 0.2
CORE = ("pods", "persistentvolumeclaims", "services", "secrets", "configmaps", "serviceaccounts")
APPS = ("statefulsets", "deployments", "replicasets")
EVERYBODYS = {"kube-root-ca.crt", "default"}


def until(done: Callable[[], object], complaint: str) -> None:
    """Look until it is so.

    Raises:
        AssertionError: it is not, for a minute.

    """
    last = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < last, complaint
        time.sleep(POLL_S)


def asked(api: Api, namespace: str, service: str, path: str) -> Object:
    """Return what a Service answers to whoever calls it by its name; it may not lead to its pods yet."""
    found = api.ask("GET", f"/api/v1/namespaces/{namespace}/services/{service}")["spec"]
    place = f"{here(found['clusterIP'])}:{found['ports'][0]['port']}"
    host = f"{service}.{namespace}.svc.cluster.local:{found['ports'][0]['port']}"
    answers: list[Object] = []

    def answered() -> bool:
        try:
            with urlopen(Request(f"http://{place}{path}", headers={"Host": host}), timeout=30) as answer:
                answers.append(json.loads(answer.read()))
        except OSError:
            return False
        return True

    until(answered, f"{host} does not answer")
    return answers[0]


def left(api: Api, namespace: str) -> list[str]:
    """Return what is in a namespace, but for what every namespace has."""
    paths = {kind: f"/api/v1/namespaces/{namespace}/{kind}" for kind in CORE}
    paths |= {kind: f"/apis/apps/v1/namespaces/{namespace}/{kind}" for kind in APPS}
    paths |= {"jobs": f"/apis/batch/v1/namespaces/{namespace}/jobs"}
    paths |= {"poddisruptionbudgets": f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"}
    found = [f"{kind}/{one['metadata']['name']}" for kind, path in paths.items() for one in api.list(path)]
    return [name for name in found if name.partition("/")[2] not in EVERYBODYS]


def pods(api: Api, namespace: str, part: str = "worker") -> dict[str, str]:
    """Return the pods of one part that are there, and which each is."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    found = api.list(path, labelSelector=f"app.kubernetes.io/component={part}")
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in found}


def disorder(seen: Iterable[Seen], workers: int) -> Iterator[str]:
    """Yield what was not as a rolling upgrade must be: the last first, and none before the one after it is ready."""
    order, waits = [], ""
    for one in seen:
        number = one.pod.rpartition("-")[2]
        if one.what == "stopping":
            order.append(number)
            if waits:
                yield f"{number} stopped while {waits} was not ready"
            waits = number
        elif one.what == "ready" and number == waits:
            waits = ""
        elif "killed" in one.what:
            yield f"{number} was not given the time to stop"
    if order != [str(number) for number in reversed(range(workers))]:
        yield f"stopped in the order {order}"

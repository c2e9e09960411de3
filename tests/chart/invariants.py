"""What holds for every rendering of the chart, whatever the values: each law yields what breaks it.

tests/chart/test_laws.py holds them over made-up values, and breaks the chart to see each of them complain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from streams.engine.config import EngineConfig
from streams.settings import known
from tests.chart.rendering import Object, Pod, Rendered, name_of

Law = Callable[[Rendered], Iterator[str]]
SECRET_VARIABLES = {setting.variable for setting in known() if setting.secret}
_STOP_S = next(int(str(field.default)) for field in fields(EngineConfig) if field.name == "stop_timeout") / 1000


def workers_within_partitions(made: Rendered) -> Iterator[str]:
    """No more workers than partitions, neither at first nor by scaling."""
    most = made.values["settings"]["partitions"]
    for one in made.of("StatefulSet", "ScaledObject", "HorizontalPodAutoscaler"):
        spec = one["spec"]
        of_workers = spec.get("scaleTargetRef", one)["kind"] == "StatefulSet"
        counts = {word: spec[word] for word in ("replicas", "maxReplicas", "maxReplicaCount") if word in spec}
        for word, count in counts.items() if of_workers else ():
            if count > most:
                yield f"{name_of(one)}: {word} is {count}, for {most} partitions"


def one_of_each_name(made: Rendered) -> Iterator[str]:
    """No two objects of one kind and name."""
    names = [name_of(one) for one in made.objects]
    yield from sorted({name for name in names if names.count(name) > 1})


def names_fit(made: Rendered) -> Iterator[str]:
    """Names are what Kubernetes takes; of a StatefulSet with room for the hash that becomes a label's value."""
    most = {"Service": 63, "StatefulSet": 52, "Job": 63, "Deployment": 63}
    for one in made.objects:
        name = one["metadata"]["name"]
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name) or len(name) > most.get(one["kind"], 253):
            yield f"{name_of(one)} is no name"


def selectors_match(made: Rendered) -> Iterator[str]:
    """Whoever looks for pods finds some, and a workload finds its own."""
    pods = list(made.pods())
    for one in made.of("StatefulSet", "Deployment"):
        if not _within(one["spec"]["selector"]["matchLabels"], one["spec"]["template"]["metadata"]["labels"]):
            yield f"{name_of(one)} does not select its own pods"
    for one in made.of("Service", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor"):
        spec = one["spec"]
        wanted = spec.get("podSelector") or spec["selector"]
        labels = wanted.get("matchLabels", {}) if isinstance(wanted.get("matchLabels"), Mapping) else wanted
        if not labels or not any(_within(labels, pod.labels) for pod in pods):
            yield f"{name_of(one)} selects nobody"
    for one in made.of("ServiceMonitor"):
        labels = one["spec"]["selector"]["matchLabels"]
        if not any(_within(labels, service["metadata"]["labels"]) for service in made.of("Service")):
            yield f"{name_of(one)} selects no Service"


def references_lead_somewhere(made: Rendered) -> Iterator[str]:
    """What an object names is made here, or is named in the values as something that exists."""
    said = set(_texts(made.values))
    wants = {(pod.name, kind, name) for pod in made.pods() for kind, name in _named_by(pod) if name not in said}
    for pod_name, kind, name in sorted(wants):
        if made.find(kind, name) is None:
            yield f"{pod_name} wants {kind}/{name}, which nobody makes"
    for one in made.of("ScaledObject", "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        if made.find(target["kind"], target["name"]) is None:
            yield f"{name_of(one)} scales nothing"
    for one in made.of("StatefulSet"):
        if made.find("Service", one["spec"]["serviceName"]) is None:
            yield f"{name_of(one)} has no headless Service"
    for one in made.of("ScaledObject"):
        logins = {trigger["authenticationRef"]["name"] for trigger in one["spec"]["triggers"] if len(trigger) > 2}
        logins -= {each["metadata"]["name"] for each in made.of("TriggerAuthentication")} | said
        yield from (f"{name_of(one)} logs in by {login}, which nobody makes" for login in logins)


def ways_lead_to_ports(made: Rendered) -> Iterator[str]:
    """From an Ingress or a route to a Service's port, and from there to a container's."""
    for one in made.of("Ingress", "HTTPRoute"):
        for name, port in _backends(one):
            service = made.find("Service", name)
            if service is None or all(each["port"] != port for each in service["spec"]["ports"]):
                yield f"{name_of(one)} leads to {name}:{port}, which is not there"
    for service in made.of("Service"):
        reached = [pod for pod in made.pods() if _within(service["spec"]["selector"], pod.labels)]
        for port in service["spec"]["ports"]:
            if not any(port["targetPort"] in _ports(pod) for pod in reached):
                yield f"{name_of(service)}: no pod has the port {port['targetPort']}"


def restricted(made: Rendered) -> Iterator[str]:
    """Every pod passes Kubernetes's Pod Security Standard "restricted"; ours cannot write but to volumes, besides."""
    for pod in made.pods():
        of_pod = pod.spec.get("securityContext", {})
        if pod.spec.get("hostNetwork") or pod.spec.get("hostPID") or pod.spec.get("hostIPC"):
            yield f"{pod.name} shares the host"
        if of_pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod.name} has no seccomp profile"
        for volume in pod.spec.get("volumes", []):
            if not set(volume) & {"emptyDir", "secret", "configMap", "projected", "persistentVolumeClaim", "csi"}:
                yield f"{pod.name}: volume {volume['name']} is of a kind that is not allowed"
        for container in pod.containers:
            yield from _unrestricted(pod, container, of_pod)


def _unrestricted(pod: Pod, container: Object, of_pod: Object) -> Iterator[str]:
    where, context = f"{pod.name}, {container['name']}", container.get("securityContext", {})
    if (of_pod | context).get("runAsNonRoot") is not True or (of_pod | context).get("runAsUser") == 0:
        yield f"{where} may run as root"
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield f"{where} may gain rights"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{where} keeps capabilities"
    if pod.ours and context.get("readOnlyRootFilesystem") is not True:
        yield f"{where} may write to its image"


def no_token_and_no_links(made: Rendered) -> Iterator[str]:
    """Nobody gets a token of the API server, nor variables that Kubernetes makes of Services."""
    for pod in made.pods():
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name} gets a token"
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{pod.name} gets the variables of Services"
    for one in made.of("ServiceAccount"):
        if one.get("automountServiceAccountToken") is not False:
            yield f"{name_of(one)} hands out tokens"


def probes(made: Rendered) -> Iterator[str]:
    """Workers and intake are asked by the right questions, and none of them is whether brokers can be reached."""
    wanted = {"startupProbe": "/health/live", "readinessProbe": "/health/ready", "livenessProbe": "/health/live"}
    for pod in filter(None, map(made.of_part, ("worker", "intake"))):
        for probe, path in wanted.items():
            asked = pod.spec["containers"][0].get(probe, {}).get("httpGet", {})
            if asked.get("path") != path or asked.get("port") not in _ports(pod):
                yield f"{pod.name}: {probe} asks {asked}"


def time_to_stop(made: Rendered) -> Iterator[str]:
    """A pod has the time to finish what it has begun: the engine's own time-out, or what the brokers may take."""
    for part, needed in (("worker", _STOP_S), ("intake", 15)):
        pod = made.of_part(part)
        if pod is not None:
            before = (
                pod.spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            )
            if pod.spec["terminationGracePeriodSeconds"] < needed + before:
                yield f"{pod.name} is killed before it has stopped"


def no_secret_in_plain(made: Rendered) -> Iterator[str]:
    """What is secret comes from a Secret; none is made here, so none lies in the release's history."""
    yield from (f"{name_of(one)} would keep a secret in the release" for one in made.of("Secret"))
    for pod in made.pods():
        for container in pod.containers:
            for one in container.get("env", []):
                if one["name"] in SECRET_VARIABLES and "secretKeyRef" not in one.get("valueFrom", {}):
                    yield f"{pod.name}: {one['name']} can be read by anyone who sees the pod"


def images_pinned(made: Rendered) -> Iterator[str]:
    """Every image has a digest, or a tag that does not move."""
    for pod in made.pods():
        for container in pod.containers:
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            if "@sha256:" not in container["image"] and tag in {"", "latest"}:
                yield f"{pod.name}: {container['image']} may be anything tomorrow"


def resources_said(made: Rendered) -> Iterator[str]:
    """Every container says what it needs, and has a bound on memory."""
    for pod in made.pods():
        for container in pod.containers:
            said = container.get("resources", {})
            if not {"cpu", "memory"} <= set(said.get("requests", {})) or "memory" not in said.get("limits", {}):
                yield f"{pod.name}, {container['name']} does not say what it needs"


def workers_keep_their_names(made: Rendered) -> Iterator[str]:
    """A worker's name for Kafka is its pod's, its state is on its own volume, and others find it by its own name."""
    pod = made.of_part("worker")
    assert pod is not None
    env = {one["name"]: one.get("value") for one in pod.spec["containers"][0]["env"]}
    if env.get("SES_STREAMS_ENGINE__INSTANCE_ID") != "$(POD_NAME)":
        yield "a worker is not known again after a restart"
    if not str(env.get("SES_STREAMS_WEB__ADVERTISE")).startswith(
        f"http://$(POD_NAME).{pod.owner['spec']['serviceName']}."
    ):
        yield "other workers cannot ask this one"
    claims = [one["metadata"]["name"] for one in pod.owner["spec"]["volumeClaimTemplates"]]
    mounts = {one["mountPath"]: one["name"] for one in pod.spec["containers"][0]["volumeMounts"]}
    if mounts.get(str(env.get("SES_STREAMS_DATA_DIR"))) not in claims:
        yield "the state is not on a volume of its own"


def topics_come_first(made: Rendered) -> Iterator[str]:
    """Topics are made before any worker starts, where the chart makes them."""
    how = made.values["jobs"]["topics"]
    job, worker = made.of_part("topics"), made.of_part("worker")
    first = [one["args"] for one in worker.spec.get("initContainers", [])] if worker else []
    hooked = job is not None and job.owner["metadata"]["annotations"].get("helm.sh/hook") == "pre-install,pre-upgrade"
    if hooked is not (how == "hook") or (["topics", "create"] in first) is not (how == "init"):
        yield f"jobs.topics is {how}, and that is not what happens"


LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        workers_within_partitions,
        one_of_each_name,
        names_fit,
        selectors_match,
        references_lead_somewhere,
        ways_lead_to_ports,
        restricted,
        no_token_and_no_links,
        probes,
        time_to_stop,
        no_secret_in_plain,
        images_pinned,
        resources_said,
        workers_keep_their_names,
        topics_come_first,
    )
}


def _within(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(word) == value for word, value in wanted.items())


def _ports(pod: Pod) -> set[str | int]:
    ports = [port for container in pod.containers for port in container.get("ports", [])]
    return {port["name"] for port in ports} | {port["containerPort"] for port in ports}


def _texts(node: object) -> Iterator[str]:
    """Yield every text in the values."""
    if isinstance(node, Mapping):
        for inner in node.values():
            yield from _texts(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from _texts(inner)
    elif isinstance(node, str):
        yield node


def _named_by(pod: Pod) -> Iterator[tuple[str, str]]:
    """Yield kind and name of everything that a pod wants to exist."""
    spec = pod.spec
    if spec.get("serviceAccountName", "default") != "default":
        yield "ServiceAccount", spec["serviceAccountName"]
    yield from (("Secret", one["name"]) for one in spec.get("imagePullSecrets", []))
    for volume in spec.get("volumes", []):
        yield from (("Secret", volume["secret"]["secretName"]) for _ in range("secret" in volume))
        yield from (("ConfigMap", volume["configMap"]["name"]) for _ in range("configMap" in volume))
    for container in pod.containers:
        sources: list[Any] = [one.get("valueFrom", {}) for one in container.get("env", [])]
        for one in [*sources, *container.get("envFrom", [])]:
            yield from ((kind, one[word]["name"]) for word, kind in _SOURCES.items() if word in one)
        yield from (("Volume", name) for name in _unmounted(pod, container))


_SOURCES = {"secretKeyRef": "Secret", "secretRef": "Secret", "configMapRef": "ConfigMap"}


def _unmounted(pod: Pod, container: Object) -> set[str]:
    """Return volumes that a container mounts and its pod does not have."""
    there = {one["name"] for one in pod.spec.get("volumes", [])}
    there |= {one["metadata"]["name"] for one in pod.owner["spec"].get("volumeClaimTemplates", [])}
    return {mount["name"] for mount in container.get("volumeMounts", [])} - there


def _backends(one: Object) -> Iterator[tuple[str, int]]:
    for rule in one["spec"]["rules"]:
        for path in rule.get("http", {}).get("paths", []):
            yield path["backend"]["service"]["name"], path["backend"]["service"]["port"]["number"]
        for backend in rule.get("backendRefs", []):
            yield backend["name"], backend["port"]

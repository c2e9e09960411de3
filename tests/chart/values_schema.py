"""deploy/helm/values.schema.json: what may be said in values, and that nothing else may.

The words of `settings` and `secrets` come from streams/settings, so that a setting can neither be missing nor be
misspelt; the rest is the table below. What Kubernetes reads itself is left to Kubernetes (any object, any list).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from streams.settings import Settings

Schema = dict[str, Any]

THE_CHART_SAYS = {"data_dir", "web.host", "web.advertise", "engine.instance_id", "intake.sns.host"}
"""Words that values may not say: where pods listen, what they are called, where their disk is."""
DEMANDED = {
    "": ["brokers", "partitions", "replication", "group", "topic_prefix", "web", "intake", "engine"],
    "web": ["port"],
    "intake": ["sns"],
    "intake.sns": ["port", "path"],
    "engine": ["stall_seconds"],
}
"""Words that templates reckon with; all but brokers have a value in values.yaml, which null would take away."""

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$"}
FLAG: Schema = {"type": "boolean"}
ANY_OBJECT: Schema = {"type": "object"}
OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}
NAMES: Schema = {"type": "array", "items": {"type": "string", "minLength": 1}}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
QUANTITY: Schema = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$"}
SHARE: Schema = {"type": ["integer", "string"], "pattern": "^(100|[1-9]?[0-9])%$", "minimum": 0}
ID: Schema = {"type": ["integer", "null"], "minimum": 1}


def numbers(least: int, most: int) -> Schema:
    """Return a whole number within bounds."""
    return {"type": "integer", "minimum": least, "maximum": most}


def words(*choices: str) -> Schema:
    """Return one of a few words."""
    return {"enum": list(choices)}


def closed(properties: Mapping[str, Any], **more: object) -> Schema:
    """Return an object that has these properties and no others; a dict within is an object of the same kind."""
    known = {name: one if _is_schema(one) else closed(one) for name, one in properties.items()}
    return {"type": "object", "additionalProperties": False, "properties": known, **more}


def _is_schema(one: Mapping[str, Any]) -> bool:
    return isinstance(one.get("type"), str | list) or "enum" in one or "anyOf" in one


def when_enabled(properties: Mapping[str, Any], *needed: str) -> Schema:
    """Return a closed object that, once enabled, needs something in each of these lists."""
    return closed(
        properties,
        **{
            "if": {"properties": {"enabled": {"const": True}}},
            "then": {"properties": {name: {"minItems": 1} for name in needed}},
        },
    )


INGRESS = when_enabled(
    {"enabled": FLAG, "className": TEXT, "annotations": TEXTS, "hosts": NAMES, "tls": OBJECTS}, "hosts"
)
ROUTE = when_enabled(
    {"enabled": FLAG, "annotations": TEXTS, "parentRefs": OBJECTS, "hosts": NAMES}, "hosts", "parentRefs"
)
SPREAD = {"whenDeleted": words("Retain", "Delete"), "whenScaled": words("Retain", "Delete")}
POD = {
    "labels": TEXTS,
    "annotations": TEXTS,
    "runAsUser": ID,
    "runAsGroup": ID,
    "fsGroup": ID,
    "nodeSelector": TEXTS,
    "tolerations": OBJECTS,
    "affinity": ANY_OBJECT,
    "topologySpreadConstraints": OBJECTS,
    "priorityClassName": TEXT,
    "extraEnv": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name"],
            # settings and secrets have places of their own, where they are checked
            "properties": {"name": {"type": "string", "not": {"pattern": "^SES_STREAMS_"}}},
        },
    },
    "extraEnvFrom": OBJECTS,
    "extraVolumes": OBJECTS,
    "extraVolumeMounts": OBJECTS,
    "extraContainers": OBJECTS,
    "extraInitContainers": OBJECTS,
}
PARTS = {
    "worker": {
        "replicas": numbers(0, 10_000),
        "resources": ANY_OBJECT,
        "volume": {"size": QUANTITY, "storageClass": TEXT, **SPREAD},
        "startupMinutes": numbers(1, 1440),
        "minReadySeconds": numbers(0, 3600),
        "terminationGracePeriodSeconds": numbers(20, 3600),  # the engine may take 15 s to stop
        "maxUnavailable": SHARE,
        "autoscaling": {
            "by": words("none", "keda", "hpa"),
            "min": numbers(1, 10_000),
            "max": numbers(1, 10_000),
            "lag": numbers(1, 1_000_000_000),
            "cpu": numbers(1, 1000),
            "minutesBetweenDowns": numbers(1, 30),  # an HPA counts over half an hour at most
            "authentication": closed(
                {"name": NAME, "kind": words("TriggerAuthentication", "ClusterTriggerAuthentication")}
            ),
        },
        "pod": POD,
    },
    "intake": {
        "enabled": FLAG,
        "replicas": numbers(0, 1000),
        "resources": ANY_OBJECT,
        "drainSeconds": numbers(1, 60),
        "terminationGracePeriodSeconds": numbers(20, 3600),
        "maxUnavailable": SHARE,
        "autoscaling": {"enabled": FLAG, "min": numbers(1, 1000), "max": numbers(1, 1000), "cpu": numbers(1, 1000)},
        "ingress": INGRESS,
        "route": ROUTE,
        "pod": POD,
    },
    "page": {"ingress": INGRESS, "route": ROUTE},
    "jobs": {
        "topics": words("hook", "init", "off"),
        "schemas": FLAG,
        "backoffLimit": numbers(0, 100),
        "activeDeadlineSeconds": numbers(1, 86_400),
        "resources": ANY_OBJECT,
        "serviceAccountName": NAME,
        "pod": POD,
    },
}
REST = {
    "image": {
        "repository": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._:/-]*$"},
        # a tag that moves is no answer to "what runs there?"
        "tag": {"type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$", "not": {"const": "latest"}},
        "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
        "pullPolicy": words("IfNotPresent", "Always", "Never"),
        "pullSecrets": OBJECTS,
    },
    "nameOverride": NAME,
    "fullnameOverride": NAME,
    "clusterDomain": NAME,
    "kafkaTls": {"ca": {"secret": NAME, "key": TEXT}, "client": {"secret": NAME, "cert": TEXT, "key": TEXT}},
    "aws": {"secret": NAME},
    "serviceAccount": {"create": FLAG, "name": NAME, "annotations": TEXTS},
    "pod": POD,
    "test": {"from": TEXT, "to": TEXT, "stream": TEXT, "seconds": numbers(1, 3600)},
    "guard": {"upgrades": FLAG},
    "monitoring": {
        "scrape": {
            "by": words("none", "PodMonitor", "ServiceMonitor"),
            "labels": TEXTS,
            "interval": {"type": "string", "pattern": "^[0-9]+(s|m)$"},
        },
        "rules": {"enabled": FLAG, "labels": TEXTS, "runbookBase": TEXT},
        "dashboards": {"enabled": FLAG, "labels": TEXTS, "annotations": TEXTS},
    },
    "networkPolicy": {
        "enabled": FLAG,
        "webFrom": OBJECTS,
        "intakeFrom": OBJECTS,
        "brokerPorts": {"type": "array", "items": numbers(1, 65_535)},
        "extraEgress": OBJECTS,
    },
    "extraObjects": {"type": "array", "items": {"type": ["object", "string"]}},
    "global": ANY_OBJECT,  # Helm hands it to every chart
}


def values_schema() -> str:
    """Return the file."""
    root = closed(
        {"settings": settings_tree(), "secrets": secrets_tree(), **PARTS, **REST},
        title="Values of ses-streams",
        required=["settings"],
    )
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **root}, indent=1) + "\n"


def settings_tree() -> Schema:
    """Return what may be said of settings: all but secrets and what the chart says itself."""
    return _tree(Settings.model_json_schema(), secret=False)


def secrets_tree() -> Schema:
    """Return what may come from Secrets: secrets, and whatever else is text."""
    return _tree(Settings.model_json_schema(), secret=True)


_REFERENCE = closed(
    {"name": {**NAME, "minLength": 1}, "key": {"type": "string", "minLength": 1}}, required=["name", "key"]
)


def _tree(model: Schema, *, secret: bool, node: Schema | None = None, path: tuple[str, ...] = ()) -> Schema:
    """Return a group of settings as a closed object."""
    node = model if node is None else node
    found: Schema = {}
    for word, said in node["properties"].items():
        here = (*path, word)
        inner = _resolved(said, model)
        if "properties" in inner:
            found[word] = _tree(model, secret=secret, node=inner, path=here)
        elif ".".join(here) not in THE_CHART_SAYS:
            kinds = _kinds(inner, model)
            leaf = _reference(kinds) if secret else _plain(kinds[0])
            if word == "port" and leaf is not None and not secret:
                leaf["minimum"] = 1  # a Service cannot lead to whichever is free
            found |= {} if leaf is None else {word: {**leaf, "description": said.get("description", "")}}
    needed = [] if secret else DEMANDED.get(".".join(path), [])
    return closed(found, **({"required": needed} if needed else {}))


def _resolved(said: Schema, model: Schema) -> Schema:
    return model["$defs"][said["$ref"].rpartition("/")[2]] if "$ref" in said else said


def _kinds(leaf: Schema, model: Schema) -> list[Schema]:
    """Return what a leaf may be, null left out."""
    return [_resolved(one, model) for one in leaf.get("anyOf", [leaf]) if one.get("type") != "null"]


def _reference(kinds: list[Schema]) -> Schema | None:
    """Return where a secret, or other text, comes from; None for what is no text."""
    return _REFERENCE if any(one.get("type") == "string" and "enum" not in one for one in kinds) else None


def _plain(kind: Schema) -> Schema | None:
    """Return a leaf's own schema; None for a secret."""
    if kind.get("format") == "password":
        return None
    kept = {key: value for key, value in kind.items() if key not in {"title", "default", "description", "format"}}
    if kept.get("type") == "array":
        kept["items"] = {"type": "string", "pattern": "^[^,]*$"}  # a comma would make two of one
    return kept

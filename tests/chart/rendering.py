"""The chart rendered by Helm's own engine.

What is read here is the manifest as it would be sent; nothing knows the templates.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python
import yaml

from tests.chart.made import CHART

Object = dict[str, Any]
RELEASE, NAMESPACE = "mail", "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod of the chart's, or of its users (extraObjects): who makes it, its labels, its spec."""

    owner: Object
    labels: Mapping[str, str]
    spec: Object

    @property
    def name(self) -> str:
        """Of its owner, with the kind."""
        return name_of(self.owner)

    @property
    def containers(self) -> list[Object]:
        """All of them, those that run first too."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ours(self) -> bool:
        """True for pods of the templates, False for those of extraObjects."""
        return self.labels.get("app.kubernetes.io/name") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """All objects of one rendering, with the values that made them."""

    objects: list[Object]
    values: Mapping[str, Any]

    def of(self, *kinds: str) -> list[Object]:
        """Return the objects of these kinds."""
        return [one for one in self.objects if one["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        """Return one object."""
        return next((one for one in self.of(kind) if one["metadata"]["name"] == name), None)

    def pods(self) -> Iterator[Pod]:
        """Yield every pod that would be."""
        for one in self.objects:
            if one["kind"] == "Pod":
                yield Pod(owner=one, labels=one["metadata"].get("labels", {}), spec=one["spec"])
            elif one["kind"] in {"StatefulSet", "Deployment", "Job"}:
                template = one["spec"]["template"]
                yield Pod(owner=one, labels=template["metadata"]["labels"], spec=template["spec"])

    def of_part(self, part: str) -> Pod | None:
        """Return the pod of one part: worker, intake, topics, schemas, test."""
        return next((pod for pod in self.pods() if pod.labels.get("app.kubernetes.io/component") == part), None)


def render(values: Mapping[str, Any], chart: Path = CHART) -> Rendered:
    """Render a chart with *values* over its own.

    Raises:
        helm_python.HelmError: the schema refuses the values, or a template does.

    """
    with helm_python.Chart.load(chart) as loaded:
        whole = loaded.merge_values(dict(values))
        texts = loaded.render(dict(values), name=RELEASE, namespace=NAMESPACE)
    found = [
        one
        for name, text in sorted(texts.items())
        if not name.endswith("NOTES.txt")
        for one in yaml.load_all(text, Loader=yaml.CSafeLoader)  # dashboards are long
        if one is not None
    ]
    return Rendered(objects=found, values=whole)


def notes(values: Mapping[str, Any]) -> str:
    """Return what Helm says after an installation."""
    with helm_python.Chart.load(CHART) as loaded:
        texts = loaded.render(dict(values), name=RELEASE, namespace=NAMESPACE)
    return next((text for name, text in texts.items() if name.endswith("NOTES.txt")), "")


def ci_values(name: str) -> dict[str, Any]:
    """Return the values of deploy/helm/ci/NAME-values.yaml."""
    found: dict[str, Any] = yaml.safe_load((CHART / f"ci/{name}-values.yaml").read_text(encoding="utf-8"))
    return found


def changed_chart(into: Path, file: str, old: str, new: str) -> Path:
    """Return a copy of the chart in which one file says something else; *old* must be there."""
    copy = into / "chart"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(CHART, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text, f"{file} does not say {old!r}"
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    return copy


def name_of(one: Object) -> str:
    """Return an object's kind and name."""
    return f"{one['kind']}/{one['metadata']['name']}"

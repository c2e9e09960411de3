"""The environment of a container as Kubernetes would make it. Helm must not come in: a cluster needs it too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]
POD_NAME = "pod-7"
OF_A_SECRET = "from-a-secret-with-enough-characters-in-it"  # noqa: S105 - stands for any, as long as any must be
_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


def environment(
    container: Object, pod: str = POD_NAME, secret: Callable[[Object], str] = lambda _: OF_A_SECRET
) -> dict[str, str]:
    """Return a container's environment as Kubernetes would make it; *secret* looks into Secrets."""
    found: dict[str, str] = {}
    for one in container.get("env", []):
        source = one.get("valueFrom", {})
        if "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.name"
            found[one["name"]] = pod
        elif "secretKeyRef" in source:
            found[one["name"]] = secret(source["secretKeyRef"])
        else:
            found[one["name"]] = _expanded(one.get("value", ""), found)
    return found


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Put variables in, as Kubernetes does: only those named before, and $$ is a dollar."""

    def put(match: re.Match[str]) -> str:
        return "$" if match[1] is None else known.get(match[1], match[0])

    return _VARIABLE.sub(put, text)

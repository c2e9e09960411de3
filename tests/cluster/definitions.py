"""Custom resource definitions as their projects publish them: by Go's modules, held against the sums written here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.cluster.programs import NoCluster, go

GET_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Module:
    """One project's module, and where in it definitions are."""

    name: str
    sum: str
    folder: str
    files: tuple[str, ...]


MODULES = (
    Module(
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        "example/prometheus-operator-crd/monitoring.coreos.com_",
        ("podmonitors", "servicemonitors", "prometheusrules"),
    ),
    Module(
        "github.com/kedacore/keda/v2@v2.21.0",
        "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
        "config/crd/bases/keda.sh_",
        ("scaledobjects", "triggerauthentications"),
    ),
    Module(
        "sigs.k8s.io/gateway-api@v1.6.3",
        "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
        "config/crd/standard/gateway.networking.k8s.io_",
        ("gateways", "httproutes"),
    ),
)


def definitions() -> Iterator[dict[str, Any]]:
    """Yield every definition that the chart's kinds need.

    Raises:
        NoCluster: Go cannot get a module, or it is not the one that we know.

    """
    for module in MODULES:
        folder = _got(module)
        for file in module.files:
            yield yaml.load(Path(f"{folder}/{module.folder}{file}.yaml").read_bytes(), Loader=yaml.CSafeLoader)


def _got(module: Module) -> str:
    with TemporaryDirectory() as nowhere:  # in no module of ours, whose requirements are none of theirs
        done = subprocess.run(
            [go(), "mod", "download", "-json", module.name],
            cwd=nowhere,
            env={**os.environ, "GOFLAGS": ""},
            capture_output=True,
            text=True,
            timeout=GET_TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        raise NoCluster(f"Go cannot get {module.name}: {done.stdout}{done.stderr}")
    found = json.loads(done.stdout)
    if found["Sum"] != module.sum:
        raise NoCluster(f"{module.name} is {found['Sum']}, and not {module.sum}")
    return str(found["Dir"])

"""What a cluster is made of, built by Go out of programs/ into var/cluster, once for each state of that directory.

Go holds every module against go.sum. Nothing is started here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "programs"
KEPT = Path(__file__).resolve().parents[2] / "var" / "cluster"
BUILD_TIMEOUT_S = 3600
_BASE = "k8s.io/component-base/version"


class NoCluster(Exception):
    """What a cluster is made of cannot be had here; the words say why."""


def go() -> str:
    """Return the path of Go.

    Raises:
        NoCluster: there is none.

    """
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found is None:
        raise NoCluster("Go 1.26 or newer is not on PATH: it builds Kubernetes's API server and Helm")
    return found


def built() -> Path:
    """Return the program, after building it where it is not there yet: eight minutes on two cores.

    Raises:
        NoCluster: Go is missing, or cannot build it.

    """
    target = KEPT / _state() / "programs"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run side by side, and all of them begin here
        if not target.exists():
            _build(target)
    return target


def is_built() -> bool:
    """Tell whether it is there."""
    return (KEPT / _state() / "programs").exists()


def _build(target: Path) -> None:
    words = [go(), "build", "-trimpath", f"-ldflags={_link()}", "-o", str(target.with_name("fresh")), "."]
    done = subprocess.run(
        words,
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise NoCluster(f"Go cannot build tests/cluster/programs:\n{done.stderr[-2000:]}")
    target.with_name("fresh").rename(target)
    for older in KEPT.glob("*/programs"):
        if older != target:
            shutil.rmtree(older.parent)


def _link() -> str:
    """Return what the linker is told: no symbols, and the versions that a release writes in."""
    required = dict(re.findall(r"^\t(\S+) (v\S+)$", (SOURCE / "go.mod").read_text("utf-8"), re.MULTILINE))
    kubernetes, helm = required["k8s.io/kubernetes"], required["helm.sh/helm/v4"]
    major, minor, _ = kubernetes.removeprefix("v").split(".")
    said = {f"{_BASE}.gitVersion": kubernetes, f"{_BASE}.gitMajor": major, f"{_BASE}.gitMinor": minor}
    said |= {"helm.sh/helm/v4/internal/version.version": helm}
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in said.items())])


def _state() -> str:
    whole = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        whole.update((SOURCE / name).read_bytes())
    return whole.hexdigest()[:16]

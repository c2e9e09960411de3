"""The real `helm`, with its files in a directory of the test's; what was typed and what it said is kept to be shown."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.plane import ControlPlane

TIMEOUT_S = 600


class Helm:
    """One user of Helm in one namespace; *shown* is their terminal."""

    def __init__(self, plane: ControlPlane, namespace: str, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.namespace, self.shown = namespace, ""
        self._programs, self._home = plane.programs, home
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KUBECONFIG": str(plane.kubeconfig),
            **{f"HELM_{word}_HOME": str(home / word.lower()) for word in ("CACHE", "CONFIG", "DATA")},
        }

    def __call__(self, *words: str) -> str:
        """Do it and return what was said.

        Raises:
            AssertionError: Helm does not do it.

        """
        code, said = self.tried(*words)
        assert code == 0, said
        return said

    def refuses(self, *words: str) -> str:
        """Return why Helm does not do it.

        Raises:
            AssertionError: it does.

        """
        code, said = self.tried(*words)
        assert code != 0, said
        return said

    def tried(self, *words: str) -> tuple[int, str]:
        """Return Helm's exit code and what it said."""
        done = subprocess.run(
            [str(self._programs), "helm", "--namespace", self.namespace, *words],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        self.shown += f"$ helm {shlex.join(words)}\n{done.stdout}\n"
        return done.returncode, done.stdout

    def values(self, name: str, values: Mapping[str, Any]) -> str:
        """Write a file of values; return the words that name it."""
        path = self._home / f"{name}.yaml"
        path.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        return f"--values={path}"

    def package(self, chart: Path, version: str) -> str:
        """Return the chart in a file, as a release of that version would be."""
        self("package", str(chart), "--version", version, "--destination", str(self._home))
        return str(next(self._home.glob(f"*-{version}.tgz")))

"""The real `helm` and `kubectl`, with their files in a directory of the test's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.plane import ControlPlane

TIMEOUT_S = 600


class Helm:
    """One user of Helm, and of kubectl, in one namespace."""

    def __init__(self, plane: ControlPlane, namespace: str, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.namespace = namespace
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
        return self._done("helm", *words)

    def kubectl(self, *words: str) -> str:
        """Do it and return what was said.

        Raises:
            AssertionError: kubectl does not do it.

        """
        return self._done("kubectl", *words)

    def refuses(self, *words: str) -> str:
        """Return why Helm does not do it.

        Raises:
            AssertionError: it does.

        """
        code, said = self._tried("helm", *words)
        assert code != 0, said
        return said

    def _done(self, program: str, *words: str) -> str:
        code, said = self._tried(program, *words)
        assert code == 0, said
        return said

    def _tried(self, program: str, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [str(self._programs), program, "--namespace", self.namespace, *words],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
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

"""Where promtool and Prometheus are: on PATH, or in var/tools, where `make tools` puts them."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import missing
from tests.debian import program


def promtool() -> Path:
    """Return promtool; without it the test that asks is skipped, and in CI fails."""
    return _found("promtool")


def prometheus() -> Path:
    """Return Prometheus; without it the test that asks is skipped, and in CI fails."""
    return _found("prometheus")


def _found(name: str) -> Path:
    found = program(name)
    return missing(f"no {name}: `make tools` gets it") if found is None else found

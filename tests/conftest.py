"""What every test may lean on: `need`, which skips on a user's machine what CI must never skip."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # a slow machine is no fault of the code
settings.load_profile("house")

Need = Callable[[bool, str], None]
"""``need(condition, reason)``: go on if the condition holds."""


def in_ci() -> bool:
    """Return whether a missing part is a fault here, and not somebody's choice."""
    return os.environ.get("CI", "") not in {"", "0", "false"}


def _need(condition: bool, reason: str) -> None:
    """Skip with *reason* where a part is missing; in CI fail, for there a skipped test is a lost one."""
    if condition:
        return
    if in_ci():
        pytest.fail(f"missing in CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need() -> Need:
    """Return `need(condition, reason)`."""
    return _need

"""What becomes of a recovery that does not end well: the worker stops, unless it is stopping anyway."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.engine.recovery import Recovery


def recovery_of(failures: list[str], *, stopping: bool) -> Recovery:
    """Return a recovery that falls over a loop that was closed under it."""

    async def fall(_: int) -> None:
        raise RuntimeError("Event loop is closed")

    engine = SimpleNamespace(fail=lambda error, where: failures.append(f"{where}: {type(error).__name__}"))
    recovery = Recovery.__new__(Recovery)
    recovery.app = cast("Any", SimpleNamespace(engine=engine, should_stop=stopping))
    setattr(recovery, "_recover", fall)  # noqa: B010 # mypy will not have a method assigned
    return recovery


@pytest.mark.parametrize(("stopping", "failures"), [(False, ["recovery: RuntimeError"]), (True, [])])
async def test_a_recovery_that_fails_stops_the_worker_unless_it_stops_anyway(
    *, stopping: bool, failures: list[str]
) -> None:
    said: list[str] = []
    await recovery_of(said, stopping=stopping)._run(1)
    assert said == failures

"""Where a part is missing, or is another than we know, it is said what."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from tests.cluster import definitions
from tests.cluster.programs import NoCluster, go
from tests.conftest import Need

pytestmark = pytest.mark.chart


def test_without_go_it_is_said_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(NoCluster, match="or newer is not on PATH"):
        go()


def test_a_module_with_another_sum_is_refused(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    need(shutil.which("go") is not None, "Go")
    other = replace(definitions.MODULES[-1], sum="h1:another")
    monkeypatch.setattr(definitions, "MODULES", (other,))
    with pytest.raises(NoCluster, match="and not h1:another"):
        next(definitions.definitions())

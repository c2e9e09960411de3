"""The rights that the doctor asks for are those that the worker's own topology needs: no more, and no less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams.app import build_engine
from streams.cli.doctor.rights import needed
from streams.engine.app import ChunkApp
from streams.observe.fingerprint import Fingerprints
from streams.observe.metrics import Metrics
from streams.observe.recent import Recent
from streams.settings import Settings
from streams.topics import ROLES, changelog_name, topic_name
from tests.builders import CODEC


@pytest.mark.parametrize("sends", [True, False])
def test_what_is_needed_is_what_the_hops_read_and_write(sends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: dict[str, set[str]] = {}

    def want(topic: str, *operations: str) -> None:
        wanted.setdefault(topic, set()).update(operations)

    def add_hop(_: ChunkApp, hop: Any, *, inputs: Any, outputs: Any, table: str, **__: Any) -> None:
        for role in inputs:
            want(topic_name("ses.", role), "READ")
        for role in outputs:
            want(topic_name("ses.", role), "WRITE")
        want(changelog_name("ses-streams", table), "READ", "WRITE")

    def add_global(_: ChunkApp, role: str) -> Callable[..., Any]:
        want(topic_name("ses.", role), "READ")
        return lambda _: []

    monkeypatch.setattr(ChunkApp, "add_hop", add_hop)
    monkeypatch.setattr(ChunkApp, "add_global", add_global)
    monkeypatch.setattr(ChunkApp, "add_service", lambda *_: None)
    settings = Settings.model_validate({"dispatch": {"enabled": sends, "region": "us-east-1"}})
    topics = {role: topic_name("ses.", role) for role in ROLES}
    build_engine(settings, CODEC, topics, Metrics(()), Recent(CODEC, Fingerprints(), lambda: 0))
    assert needed(prefix="ses.", group="ses-streams", sends=sends) == wanted

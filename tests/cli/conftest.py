"""Runs command lines in this process, with nothing set in the environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import pytest

from streams.cli import main


class Ran(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command line and says how it ended."""
    for name in [name for name in os.environ if name.startswith("SES_STREAMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SES_STREAMS_CONFIG", "")  # so that --config leaves no trace behind
    monkeypatch.setenv("COLUMNS", "100")

    def runs(*args: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(args))
        out, err = capsys.readouterr()
        return Ran(int(end.value.code or 0), out, err)

    return runs

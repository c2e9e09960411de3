"""docs/simulator.md: its examples run, its tables are those of the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from streams.simulator.fates import MAILBOXES, WORDS, Times
from streams.simulator.words import Conditions
from tests.conftest import Need
from tests.simulator.conftest import Run, Running

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def _here(block: str, running: Running) -> str:
    """Return an example with the ports of a simulator that runs."""
    return block.replace("http://127.0.0.1:8026", running.url).replace("2525", str(running.simulator.smtp_port))


@pytest.mark.parametrize("number", range(3))
def test_a_python_example_runs(run: Run, number: int) -> None:
    running = run()
    ran = subprocess.run(
        [sys.executable, "-c", _here(_blocks("python")[number], running)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    expected = [["Send", "Bounce"], ["Send", "Bounce"], []]
    assert running.kinds() == expected[number]


@pytest.mark.parametrize("number", range(2))
def test_a_shell_example_runs(run: Run, need: Need, number: int) -> None:
    need(shutil.which("curl") is not None, "curl")
    running = run()
    script = "set -e\n" + _here(_blocks("sh")[number], running)
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert running.kinds() == [["Send", *["DeliveryDelay"] * 3, "Delivery"], []][number]
    assert ["MessageId", '"state":"up"'][number] in ran.stdout


def test_no_example_is_left_out() -> None:
    assert (len(_blocks("python")), len(_blocks("sh"))) == (3, 2)


def test_the_page_names_every_address() -> None:
    numbered = {Times.FIRST_N, Times.N_TURNS}
    words = {f"{word}-N" if fate.times in numbered else word for word, fate in WORDS.items()} | MAILBOXES.keys()
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    assert {word for word in words if f"`{word}`" not in rows} == set()


def test_the_page_names_every_condition() -> None:
    assert {field.name for field in fields(Conditions) if f"`{field.name}`" not in PAGE} == set()

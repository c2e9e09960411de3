"""docs/operating.md shows command lines that exist: every word of them is known to the command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run

PAGE = (Path(__file__).resolve().parents[2] / "docs/operating.md").read_text("utf-8")
LINES = re.findall(r"^ses-streams .*$", PAGE, re.MULTILINE)


def test_the_page_shows_every_command_of_an_operator() -> None:
    assert {line.split()[1] for line in LINES} == {"suppressions", "retries", "loops", "pauses", "send", "top"}


@pytest.mark.parametrize("line", LINES)
def test_every_word_of_a_command_line_is_known(line: str, run: Run) -> None:
    words = shlex.split(line)[1:]
    depth = 1 if words[0] in ("send", "top") else 2
    ran = run(*words[:depth], "--help")
    assert ran.code == 0
    assert f"ses-streams {' '.join(words[:depth])} " in ran.out
    assert [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in ran.out] == []

"""Completion: a real bash asks, and gets commands, options and values; zsh and fish ask in their own way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Need

HERE = Path(sys.executable).parent
ASKED = """
eval "$(ses-streams --show-completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ses_streams_completion ses-streams
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SES_STREAMS_")}
    return kept | {"PATH": f"{HERE}{os.pathsep}{os.environ['PATH']}"} | more


def bash(*words: str, **environment: str) -> set[str]:
    """Return what bash offers after these words, the last of which is not finished."""
    line = [str(shutil.which("bash")), "--norc", "-c", ASKED, "bash", "ses-streams", *words]
    said = subprocess.run(line, capture_output=True, text=True, check=True, env=_environment(**environment))
    assert said.stderr == ""
    return set(said.stdout.split())


@pytest.fixture(autouse=True)
def _bash(need: Need) -> None:
    need(shutil.which("bash") is not None, "bash")
    need((HERE / "ses-streams").exists(), "the command ses-streams beside this Python")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("sup",), {"suppressions"}),
        (("dead-letters", ""), {"list", "show", "replay"}),
        (("topics", "check", "--j"), {"--json"}),
        (("suppressions", "list", "--reason", "COMP"), {"COMPLAINT"}),
        (("suppressions", "add", "ann@example.com", "--reason", "SOFT"), {"SOFT_BOUNCES"}),
        (("dead-letters", "list", "--stage", "BY_M"), {"BY_MESSAGE"}),
        (("dead-letters", "replay", "--reason", "NOT_AV"), {"NOT_AVRO"}),
        (("dead-letters", "list", "--topic", "feed"), {"feedback"}),
        (("kit", "check", "--topic", ""), {"send-requests", "sends", "feedback"}),
        (("simulate", "--form", ""), {"events", "notifications", "both"}),
        (("simulate", "--set", "out"), {"outage="}),
        (("config", "web.p"), {"web.port"}),
        (("doctor", "--only", "brokers,to"), {"brokers,topics"}),
        (("doctor", "--only", "brokers,br"), set()),
    ],
    ids=lambda words: " ".join(sorted(words) if isinstance(words, set) else words),
)
def test_bash_offers_what_may_come_next(words: tuple[str, ...], offered: set[str]) -> None:
    assert bash(*words) == offered


def test_the_streams_that_the_settings_name_are_offered() -> None:
    assert bash("pauses", "set", "n", SES_STREAMS_METRICS__STREAMS="newsletter,receipts") == {"newsletter"}
    assert bash("pauses", "set", "n", SES_STREAMS_METRICS__STREEMS="newsletter") == set()


def test_hidden_commands_are_offered_to_nobody() -> None:
    assert "docs" not in bash("")
    assert {"demo", "worker", "top"} <= bash("")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_in_their_own_way(shell: str) -> None:
    asked = {
        "_SES_STREAMS_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "ses-streams suppressions list --reason COMP",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    said = subprocess.run([HERE / "ses-streams"], capture_output=True, text=True, check=True, env=_environment(**asked))
    assert "COMPLAINT" in said.stdout
    assert "MANUAL" not in said.stdout


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish")])
def test_it_is_installed_by_one_word(shell: str, file: str, tmp_path: Path) -> None:
    asked = _environment(HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    line = [str(HERE / "ses-streams"), "--install-completion", shell]
    said = subprocess.run(line, capture_output=True, text=True, check=True, env=asked)
    assert "completion installed" in said.stdout
    assert (tmp_path / file).exists()

"""Command lines that pages show exist: every command, every option, and what must be said is said.

Of README.md and docs/, in blocks of code and within a line; what is made from the code needs no look. Values are
placeholders as often as not, and not judged. A name alone, such as `ses-streams ingest`, is no call.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.cli import COMMANDS, imported
from streams.cli.docs import PAGES

ROOT = Path(__file__).resolve().parents[2]
SHOWN = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in PAGES)]
NAMES = {command.name: command for command in COMMANDS}
FENCED = re.compile(r"^ *```\w*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}.*$", re.MULTILINE)
IN_CODE = re.compile(r"^ *(?:\$ |until )?(ses-streams [a-z-].*)$", re.MULTILINE)
IN_A_LINE = re.compile(r"`(ses-streams [^`]+)`")
END = re.compile(r"\s(?:&&|\|\|?|>|#)\s.*$|\s\.\.\.$")
"""What follows a command on its line: another one, a comment, or dots for more of the same."""
OPTION = re.compile(r"--?[a-z][a-z-]*")


def lines_of(text: str) -> Iterator[str]:
    """Yield the command lines that a page shows."""
    code = "\n".join([*FENCED.findall(text), *INDENTED.findall(text)]).replace("\\\n", " ")
    for line in [*IN_CODE.findall(code), *IN_A_LINE.findall(text)]:
        yield END.sub("", " ".join(line.split()))


def wrong_with(line: str) -> str:
    """Return what is wrong with a command line; an empty text where nothing is."""
    name, *words = shlex.split(line)[1:]
    if name.startswith("-"):
        return ""  # the root's own: --config, --install-completion
    if name not in NAMES:
        return f"no command {name}"
    found: Any = imported(NAMES[name])
    if words and hasattr(found, "commands"):
        if words[0] not in found.commands:
            return f"no command {name} {words[0]}"
        found, words = found.commands[words[0]], words[1:]
    options = [one for one in found.params if one.param_type_name == "option"]
    said = {word.partition("=")[0] for word in words if OPTION.match(word)}
    unknown = said - {"--help"} - {known for one in options for known in (*one.opts, *one.secondary_opts)}
    missing = {one.opts[0] for one in options if one.required and not said & {*one.opts}} if words else set()
    return ", ".join([f"no option {one}" for one in sorted(unknown)] + [f"without {one}" for one in sorted(missing)])


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_every_command_line_of_a_page_is_one(page: Path) -> None:
    lines = list(lines_of(page.read_text("utf-8")))
    assert {line: wrong for line in lines if (wrong := wrong_with(line))} == {}


def test_pages_show_command_lines() -> None:
    shown = {path.name: len(list(lines_of(path.read_text("utf-8")))) for path in SHOWN}
    assert {name for name, count in shown.items() if count > 4} >= {
        "operating.md",
        "runbook.md",
        "disaster-recovery.md",
        "dead-letters.md",
    }


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("ses-streams suppress list", "no command suppress"),
        ("ses-streams suppressions lst", "no command suppressions lst"),
        ("ses-streams suppressions list --because COMPLAINT", "no option --because"),
        ("ses-streams pauses set newsletter", "without --why"),
        ('ses-streams pauses set newsletter --why "the list is old"', ""),
        ("ses-streams ingest", ""),
    ],
)
def test_a_line_that_is_none_is_seen(line: str, wrong: str) -> None:
    assert wrong_with(line) == wrong

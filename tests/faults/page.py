"""What docs/disaster-recovery.md tells an operator to do, word for word: a section's commands, run in order in a shell.

`ses-streams` is the product's own command, `kafka-consumer-groups.sh` is Kafka's own class, and `kubectl scale` starts
workers as the chart does; so a page that is wrong fails a drill.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.faults.setting import environment
from tests.faults.stage import ROOT, Stage
from tests.kafka.mirror import classes

PAGE = ROOT / "docs" / "disaster-recovery.md"
TIMEOUT_S = 120
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
_SCALE = re.compile(r"kubectl scale statefulset/\S+ --replicas=(\d+)")


def blocks(section: str, language: str = "sh") -> list[str]:
    """Return the blocks of code in one section of the page, in one language."""
    text = PAGE.read_text("utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def obey(stage: Stage, section: str, scale: Callable[[int], None]) -> str:
    """Do what the first block of a section says; *scale* has so many workers run. Return what commands said."""
    home = stage.home / "operator"
    home.mkdir(exist_ok=True)
    _commands(home)
    said = ""
    for line in blocks(section)[0].replace("\\\n", " ").splitlines():
        scaled = _SCALE.fullmatch(line)
        if scaled is not None:
            scale(int(scaled[1]))
        else:
            said += _run(stage, home, line)
    return said


def _run(stage: Stage, home: Path, line: str) -> str:
    variables = environment() | stage._variables()
    done = subprocess.run(
        ["bash", "-euc", line],
        cwd=home,
        env=variables | {"PATH": f"{home}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{line}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return f"$ {line}\n{done.stdout}{done.stderr}"


def _commands(home: Path) -> None:
    """Put on the operator's path what the page names."""
    java = " ".join(f"'{word}'" for word in classes(home))
    for name, words in (
        ("ses-streams", f"'{sys.executable}' -m streams"),
        ("kafka-consumer-groups.sh", f"{java} {GROUPS}"),
    ):
        file = home / name
        file.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {words} "$@"\n')
        file.chmod(0o755)

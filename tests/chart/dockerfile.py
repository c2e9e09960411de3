"""A Dockerfile read as instructions, stage by stage, and what .dockerignore lets through to it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """One instruction: of which stage (0 is the first), its word, what follows."""

    stage: int
    word: str
    rest: str


def steps(text: str) -> list[Step]:
    """Return a Dockerfile's instructions."""
    whole = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[Step] = []
    stage = -1
    for line in filter(None, map(str.strip, whole.splitlines())):
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Step(stage, word, " ".join(rest.split())))
    return found


def copied(text: str) -> Iterator[tuple[str, str]]:
    """Yield (source, target) of everything that comes from the project."""
    for step in steps(text):
        if step.word == "COPY" and not step.rest.startswith("--from"):
            *sources, target = shlex.split(step.rest)
            yield from ((source, target) for source in sources)


def ignored(path: str, rules: str) -> bool:
    """Tell whether .dockerignore keeps a path out: the last rule that fits it, or a directory above it, decides."""
    out = False
    above = [path, *(parent.as_posix() for parent in Path(path).parents if parent != Path())]
    for rule in rules.splitlines():
        pattern = rule.strip().removeprefix("!")
        if pattern and not pattern.startswith("#") and any(_fits(one, pattern) for one in above):
            out = not rule.startswith("!")
    return out


def _fits(path: str, pattern: str) -> bool:
    """Match as Docker does: * within one level, ** over any number of them."""
    if pattern.startswith("**/"):
        return any(_fits("/".join(path.split("/")[n:]), pattern[3:]) for n in range(path.count("/") + 1))
    words, shapes = path.split("/"), pattern.split("/")
    return len(words) == len(shapes) and all(map(fnmatch, words, shapes))
